"""topshelf: movie recommendations for a streaming platform, in its own AWS account."""
