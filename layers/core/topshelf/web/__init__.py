"""HTTP: problem documents and the applications. The one place here that imports FastAPI."""
