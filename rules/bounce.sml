# Mail to addresses that do not exist. Blocks and policy refusals do not count against a member.

Import(
  rules=[
    "models/action.sml",
    "models/member.sml",
    "models/smtp.sml",
    "models/window.sml",
    "settings.sml",
  ],
)

BounceWarning = Rule(
  when_all=[
    ActionName == "recipient_bounced",
    SmtpClass in BouncesThatCount,
    BounceOver5 >= BounceWarningCertainty,
    BounceRecipients >= BounceWarningRecipients,
  ],
  description=f"{BounceHard} of the last {BounceEligible} recipients do not exist, {BounceRecipients} different ones: the rate is above 5 % with a certainty of {BounceOver5Shown}; a warning needs {BounceWarningCertainty} and {BounceWarningRecipients} recipients",
)

BounceProbation = Rule(
  when_all=[
    ActionName == "recipient_bounced",
    SmtpClass in BouncesThatCount,
    BounceOver10 >= BounceProbationCertainty,
    BounceRecipients >= BounceProbationRecipients,
  ],
  description=f"{BounceHard} of the last {BounceEligible} recipients do not exist, {BounceRecipients} different ones: the rate is above 10 % with a certainty of {BounceOver10Shown}; probation needs {BounceProbationCertainty} and {BounceProbationRecipients} recipients",
)

WhenRules(rules_any=[BounceWarning], then=[LabelAdd(entity=Member, label="bounce-warning")])
WhenRules(rules_any=[BounceProbation], then=[LabelAdd(entity=Member, label="bounce-probation")])
