"""The affect dial of search measured: what content loses, and what mood gains, from 0 to 1."""
