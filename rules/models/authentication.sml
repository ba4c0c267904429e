# Checks of a domain's records, in a row, that had an answer from the DNS: no answer neither adds nor ends a row.

_failed: Optional[int] = JsonData(path="$.window.authentication.failed")
_since_hours: Optional[float] = JsonData(path="$.window.authentication.since_hours")
_record: Optional[str] = JsonData(path="$.window.authentication.record")
_fix: Optional[str] = JsonData(path="$.window.authentication.fix")
_last_failed: Optional[int] = JsonData(path="$.window.authentication.last_failed")
_passed_hours: Optional[float] = JsonData(path="$.window.authentication.passed_hours")

_domain_name: Optional[str] = JsonData(path="$.member.domain")

ChecksFailed = ResolveOptional(optional_value=_failed, default_value=0)
ChecksFailedHours = ResolveOptional(optional_value=_since_hours, default_value=0.0)
# What is wrong, and what mends it, as the check says it.
CheckRecord = ResolveOptional(optional_value=_record, default_value="")
CheckFix = ResolveOptional(optional_value=_fix, default_value="")
# How many failed before the pass that ended the last row, and how long ago that was.
ChecksFailedBefore = ResolveOptional(optional_value=_last_failed, default_value=0)
ChecksPassedHours = ResolveOptional(optional_value=_passed_hours, default_value=0.0)

DomainName = ResolveOptional(optional_value=_domain_name, default_value="")
ChecksFailedHoursShown = ChecksFailedHours * 10 // 1 / 10
