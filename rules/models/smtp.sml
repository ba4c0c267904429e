# What the remote server said, classified. Absent where no server was asked.

SmtpClass: Optional[str] = JsonData(path="$.smtp.class")
