"""The audit log of a tenant: who did what to which object, from where."""
