"""The harness: draws samples, runs them in isolation through every stage, and records what happened."""
