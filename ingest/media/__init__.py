"""Openers, one module per family of formats: each opens a file once and hands pages, text and facts to the checks."""
