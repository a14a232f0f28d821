"""Amazon CloudFront: distributions, what they are made of, and the edge that serves them."""
