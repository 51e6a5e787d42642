"""What each role of the template may do, what is done with it, and whether the two agree."""
