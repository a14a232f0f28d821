"""AWS CloudFormation: templates turned into resources of this cloud's other services."""
