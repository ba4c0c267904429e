# Rules judge one event at a time. Facts they may read are in models/, numbers in settings.sml.
# Only a new adverse event makes a standing worse; what lifts, restores or praises comes with a check or with held mail.

Require(rule="authentication.sml")
Require(rule="bounce.sml")
Require(rule="breaker.sml")
Require(rule="clean.sml")
Require(rule="complaints.sml")
Require(rule="early.sml")
Require(rule="provider.sml")
