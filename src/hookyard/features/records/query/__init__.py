"""Reading records: filters, orders, selections, pages, and what becomes of them in SQL."""
