"""The other ways to sit in the traffic: mirror, routed, several workers."""
