"""A tenancy: memberships, subscriptions, appliances and limits."""
