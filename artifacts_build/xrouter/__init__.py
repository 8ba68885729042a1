"""Another program's trained router, read as inert data and flattened to our formula."""
