"""How alike texts are without a model: by their words, their n-grams and their character shingles."""
