"""A Jenkinsfile read as Declarative Pipeline, and held to the documented grammar."""
