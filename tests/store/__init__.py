"""The stores: what all of them promise, and what the state file does when disks, people and power misbehave."""
