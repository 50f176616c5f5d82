"""Audit events, the chain of MACs over them and its verification; without SQL."""
