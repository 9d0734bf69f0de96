"""The provider catalog, prices and usage of speech, language and voice activity models."""
