from massmail.management.commands._mailing import LifecycleCommand
from massmail.orchestrator.lifecycle import resume


class Command(LifecycleCommand):
    help = "Resume a mailing, with the same checks as the button."
    action = staticmethod(resume)
    done = "resumed"
