"""npm-groovy-lint for the Jenkinsfile: its pins, its settings."""
