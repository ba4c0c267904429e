# What the remote server said. Absent where no server was asked.

SmtpCode: Optional[int] = JsonData(path="$.smtp.code")
SmtpEnhanced: Optional[str] = JsonData(path="$.smtp.enhanced")
SmtpClass: Optional[str] = JsonData(path="$.smtp.class")
SmtpProvider: Optional[str] = JsonData(path="$.smtp.provider")
