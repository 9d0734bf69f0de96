"""What belongs to a tenant: its settings, budgets, credentials, and the rules for passwords."""
