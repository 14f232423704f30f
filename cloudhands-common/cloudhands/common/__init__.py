"""What every process shares: types, schema, state machines, commands, queries and settings."""
