"""PostgreSQL backend whose connections carry the tenant scope."""
