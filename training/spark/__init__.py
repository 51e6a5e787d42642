"""The training job on Spark, for more viewers than one machine holds; see docs/scale.md."""
