# Who called this member's mail spam, counted before rules run, against deliveries to providers that report it.
# A missing window reads as no evidence: all numbers 0, and no rule holds at 0.

# 30 days.
_eligible: Optional[int] = JsonData(path="$.window.complaint.eligible")
_complaints: Optional[int] = JsonData(path="$.window.complaint.complaints")
_complainants: Optional[int] = JsonData(path="$.window.complaint.complainants")
_rate: Optional[float] = JsonData(path="$.window.complaint.rate")
_over_01: Optional[float] = JsonData(path="$.window.complaint.p_over_01")

ComplaintEligible = ResolveOptional(optional_value=_eligible, default_value=0)
Complaints = ResolveOptional(optional_value=_complaints, default_value=0)
Complainants = ResolveOptional(optional_value=_complainants, default_value=0)
ComplaintRate = ResolveOptional(optional_value=_rate, default_value=0.0)
ComplaintOver01 = ResolveOptional(optional_value=_over_01, default_value=0.0)

# 90 days.
_eligible_90: Optional[int] = JsonData(path="$.window.complaint_90.eligible")
_complaints_90: Optional[int] = JsonData(path="$.window.complaint_90.complaints")
_complainants_90: Optional[int] = JsonData(path="$.window.complaint_90.complainants")
_rate_90: Optional[float] = JsonData(path="$.window.complaint_90.rate")
_over_01_90: Optional[float] = JsonData(path="$.window.complaint_90.p_over_01")

ComplaintEligible90 = ResolveOptional(optional_value=_eligible_90, default_value=0)
Complaints90 = ResolveOptional(optional_value=_complaints_90, default_value=0)
Complainants90 = ResolveOptional(optional_value=_complainants_90, default_value=0)
ComplaintRate90 = ResolveOptional(optional_value=_rate_90, default_value=0.0)
ComplaintOver01In90 = ResolveOptional(optional_value=_over_01_90, default_value=0.0)

# 24 hours, mail of the event's credential only.
_eligible_burst: Optional[int] = JsonData(path="$.window.complaint_burst.eligible")
_complainants_burst: Optional[int] = JsonData(path="$.window.complaint_burst.complainants")
_over_01_burst: Optional[float] = JsonData(path="$.window.complaint_burst.p_over_01")

BurstEligible = ResolveOptional(optional_value=_eligible_burst, default_value=0)
BurstComplainants = ResolveOptional(optional_value=_complainants_burst, default_value=0)
BurstOver01 = ResolveOptional(optional_value=_over_01_burst, default_value=0.0)

# For sentences, in per cent: rates with two places; certainties cut, so that none is told higher than it is.
ComplaintRateShown = (ComplaintRate * 10000 + 0.5) // 1 / 100
ComplaintOver01Shown = ComplaintOver01 * 1000 // 1 / 10
ComplaintRate90Shown = (ComplaintRate90 * 10000 + 0.5) // 1 / 100
ComplaintOver01In90Shown = ComplaintOver01In90 * 1000 // 1 / 10
BurstOver01Shown = BurstOver01 * 1000 // 1 / 10
