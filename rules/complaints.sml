# People who called the member's mail spam, as their providers report it.

Import(
  rules=[
    "models/action.sml",
    "models/complaints.sml",
    "models/member.sml",
    "settings.sml",
  ],
)

_probation_certainty = ComplaintProbationCertainty * 100
_burst_certainty = ComplaintBurstCertainty * 100

ComplaintNotice = Rule(
  when_all=[
    ActionName == "complaint_received",
    Complaints >= 1,
  ],
  description=f"Somebody called a mail of yours spam. Different people who did so in the last 30 days: {Complainants}, of {ComplaintEligible} deliveries to providers that report it ({ComplaintRateShown} %). This changes nothing of your standing.",
)

ComplaintProbation = Rule(
  when_all=[
    ActionName == "complaint_received",
    ComplaintOver01 >= ComplaintProbationCertainty,
    Complainants >= ComplaintProbationPeople,
  ],
  description=f"{Complainants} different people called mail of yours spam in the last 30 days, of {ComplaintEligible} deliveries to providers that report it ({ComplaintRateShown} %). That more than 0.1 % of your recipients do so is {ComplaintOver01Shown} % certain; probation needs {_probation_certainty} % and {ComplaintProbationPeople} different people.",
)

# The same over 90 days, for members who send little: three complaints of theirs seldom come in one month.
ComplaintProbationSlow = Rule(
  when_all=[
    ActionName == "complaint_received",
    ComplaintOver01In90 >= ComplaintProbationCertainty,
    Complainants90 >= ComplaintProbationPeople,
  ],
  description=f"{Complainants90} different people called mail of yours spam in the last 90 days, of {ComplaintEligible90} deliveries to providers that report it ({ComplaintRate90Shown} %). That more than 0.1 % of your recipients do so is {ComplaintOver01In90Shown} % certain; probation needs {_probation_certainty} % and {ComplaintProbationPeople} different people.",
)

ComplaintBurst = Rule(
  when_all=[
    ActionName == "complaint_received",
    BurstComplainants >= ComplaintBurstPeople,
    BurstOver01 >= ComplaintBurstCertainty,
  ],
  description=f"{BurstComplainants} different people called mail of one credential spam within 24 hours, in which it had {BurstEligible} deliveries to providers that report it. That more than 0.1 % do so is {BurstOver01Shown} % certain; {ComplaintBurstPeople} people and {_burst_certainty} % stop the credential until a person has looked.",
)

WhenRules(rules_any=[ComplaintNotice], then=[LabelAdd(entity=Member, label="complaint-notice")])
WhenRules(rules_any=[ComplaintProbation, ComplaintProbationSlow], then=[LabelAdd(entity=Member, label="complaint-probation")])
WhenRules(rules_any=[ComplaintBurst], then=[LabelAdd(entity=Credential, label="complaint-burst")])
