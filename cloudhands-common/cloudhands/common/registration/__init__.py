"""A person's onboarding, from an invitation by mail to an account that is known everywhere."""
