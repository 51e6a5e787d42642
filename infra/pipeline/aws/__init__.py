"""A stage in AWS: deployed by SAM, shifted to by CodeDeploy, watched by CloudWatch's alarms."""
