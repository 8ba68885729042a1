"""From a prompt to a choice: view, prediction, cost, policy, and the reason in words. Import its modules by name."""
