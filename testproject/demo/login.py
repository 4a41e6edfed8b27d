"""Who may log in to the admin of the demo, which is served on loopback only."""

ADMIN_NAME = "admin"
ADMIN_PASSWORD = "foxglove"
