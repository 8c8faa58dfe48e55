"""Counting, exposing, scraping and keeping numbers, in Prometheus' formats and with its habits."""
