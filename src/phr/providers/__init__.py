"""Who one can connect to: vendors, sandboxes, organisations."""
