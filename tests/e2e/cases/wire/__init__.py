"""Packets, requests and answers on the wire."""
