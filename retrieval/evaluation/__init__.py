"""The evaluator: ranks under named rules, what is told of them, and how sure it is. numpy only."""
