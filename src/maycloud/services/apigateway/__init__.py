"""Amazon API Gateway, REST APIs (v1): management and requests."""
