"""Amazon DynamoDB Accelerator (DAX): a write-through cache for DynamoDB with its own protocol."""
