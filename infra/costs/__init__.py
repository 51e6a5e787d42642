"""What a deployment costs: from the template, the traffic and a dated price file."""
