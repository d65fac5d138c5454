"""An e-mail platform that speaks the part of Salesforce Marketing Cloud's API an audience tool uses, with its memory."""
