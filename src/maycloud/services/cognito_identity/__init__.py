"""Amazon Cognito identity pools: AWS credentials for users who signed in elsewhere, and for guests."""
