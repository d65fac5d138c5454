"""An e-mail platform that speaks the part of Brevo's API an audience tool uses, with its traps and its memory."""
