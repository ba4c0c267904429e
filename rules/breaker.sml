# A relay node stopped a credential by itself. The pool's own books decide what follows, when they can: the pause is
# confirmed, or it is lifted and its mail flows. When they cannot, it stays, for a person. docs/evidence-and-standing.md says why.

Import(
  rules=[
    "models/action.sml",
    "models/breaker.sml",
    "models/incident.sml",
    "models/member.sml",
    "models/velocity.sml",
    "settings.sml",
  ],
)

_complainants_needed = BreakerRecipients * BreakerConfirmComplaintShare
_complaint_share = BreakerConfirmComplaintShare * 100

# Confirmed only where more than 50 people were written to for the first time: a handful of dead addresses, and a complaint
# or two, is what any stranger can bring about in a sign-up form. What a stranger can do stops mail, and suspends nobody.
BreakerConfirmedDeadAddresses = Rule(
  when_all=[
    ActionName in ["member_paused", "message_held", "recipient_bounced"],
    BreakerPauseOpen == True,
    BreakerCause == "content",
    MemberStanding in StandingsJudged,
    MemberAgeDays >= BreakerConfirmAgeDays,
    IncidentActive == False,
    BreakerTemplateDeliveries < BreakerLiftDeliveries,
    BreakerDead >= BreakerConfirmDead,
  ],
  description=f"A credential of yours wrote to more than 50 people for the first time, with a text that was not known, and {BreakerDead} of the last 20 of them do not exist. {BreakerConfirmDead} are taken for a list that nobody gave you. The text had been delivered {BreakerTemplateDeliveries} times until the day before. A person of the committee decides within 48 hours.",
)

BreakerConfirmedComplaints = Rule(
  when_all=[
    ActionName in ["complaint_received", "member_paused", "message_held"],
    BreakerPauseOpen == True,
    BreakerCause == "content",
    MemberStanding in StandingsJudged,
    BreakerRecipients >= 1,
    BreakerComplainants >= BreakerConfirmPeople,
    BreakerComplainants >= _complainants_needed,
  ],
  description=f"A credential of yours wrote to more than 50 people for the first time, with a text that was not known, and {BreakerComplainants} different people called this very mail spam, of {BreakerRecipients} whom it was meant for; {BreakerConfirmPeople} people are enough, when they are {_complaint_share} % or more. A person of the committee decides within 48 hours.",
)

BreakerConfirmedBoth = Rule(
  when_all=[
    ActionName in ["complaint_received", "member_paused", "message_held", "recipient_bounced"],
    BreakerPauseOpen == True,
    BreakerCause == "content",
    MemberStanding in StandingsJudged,
    MemberAgeDays >= BreakerConfirmAgeDays,
    IncidentActive == False,
    BreakerTemplateDeliveries < BreakerLiftDeliveries,
    BreakerDead >= BreakerConfirmDeadWithPeople,
    BreakerRecipients >= 1,
    BreakerComplainants >= 1,
    BreakerComplainants >= _complainants_needed,
  ],
  description=f"A credential of yours wrote to more than 50 people for the first time, with a text that was not known. {BreakerDead} of the last 20 of them do not exist, and {BreakerComplainants} of those who do called the mail spam; {BreakerConfirmDeadWithPeople} and one are enough. A person of the committee decides within 48 hours.",
)

BreakerLiftedKnownText = Rule(
  when_all=[
    ActionName in ["member_paused", "message_held"],
    BreakerPauseOpen == True,
    BreakerCause == "content",
    MemberStanding in StandingsJudged,
    BreakerTemplates >= 1,
    BreakerTemplateDeliveries >= BreakerLiftDeliveries,
    BreakerRecipients >= BreakerLiftRecipients,
    BreakerKnownShare >= BreakerLiftTextKnownShare,
    BreakerComplainants == 0,
    BreakerDead < BreakerLiftDeadBelow,
    HabitRatio > 0,
    HabitRatio <= BreakerLiftHabit,
  ],
  description=f"Sending was stopped because of a text that was not known at the node that took it. The pool knows it: each text of this mail had been delivered to {BreakerTemplateDeliveries} of your recipients or more until the day before, you had written to {BreakerKnownShareShown} % of these {BreakerRecipients} people, nobody complained, and you sent {HabitRatioShown} times your usual day. Sending goes on, and what was held leaves.",
)

BreakerLiftedKnownForm = Rule(
  when_all=[
    ActionName in ["member_paused", "message_held"],
    BreakerPauseOpen == True,
    BreakerCause == "first-contact",
    MemberStanding in StandingsJudged,
    BreakerTemplates >= 1,
    BreakerTemplateDeliveries >= BreakerLiftDeliveries,
    BreakerComplainants == 0,
    BreakerDead < BreakerLiftDeadBelowFirstContact,
    HabitRatio > 0,
    HabitRatio <= BreakerLiftHabit,
  ],
  description=f"Sending was stopped because {BreakerDead} of the last 20 people you wrote to for the first time do not exist, with a text that was not known at the node that took it. The pool knows it: each text of this mail had been delivered to {BreakerTemplateDeliveries} of your recipients or more until the day before. Strangers can type such addresses into a sign-up form. Sending goes on, what was held leaves, and first contacts leave slowly while they do not exist.",
)

BreakerLiftedKnownPeople = Rule(
  when_all=[
    ActionName in ["member_paused", "message_held"],
    BreakerPauseOpen == True,
    BreakerCause == "content",
    MemberStanding in StandingsJudged,
    BreakerRecipients >= BreakerLiftRecipients,
    BreakerKnownShare >= BreakerLiftKnownShare,
    BreakerStrangers <= BreakerLiftStrangers,
    BreakerComplainants == 0,
    BreakerDead < BreakerLiftDeadBelow,
    HabitRatio > 0,
    HabitRatio <= BreakerLiftHabit,
  ],
  description=f"Sending was stopped because of a new text to people who were not known at the node that took it. The pool knows them: you had written to {BreakerKnownShareShown} % of these {BreakerRecipients} people until the day before, and nobody complained. Sending goes on, and what was held leaves.",
)

WhenRules(
  rules_any=[BreakerConfirmedDeadAddresses, BreakerConfirmedComplaints, BreakerConfirmedBoth],
  then=[LabelAdd(entity=Member, label="breaker-confirmed")],
)
WhenRules(
  rules_any=[BreakerLiftedKnownText, BreakerLiftedKnownForm, BreakerLiftedKnownPeople],
  then=[LabelAdd(entity=Credential, label="breaker-lifted")],
)
