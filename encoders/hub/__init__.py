"""Optional encoders whose weights the user provides; nothing is ever downloaded."""
