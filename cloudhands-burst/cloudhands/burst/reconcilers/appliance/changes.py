"""Writes down reboots, changes of size and addresses to come; see `record`."""

from cloudhands.burst.outcome import Again
from cloudhands.burst.reconcilers.appliance.entry import Book, Entry
from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.common.work import Claim

NO_ADDRESS_YET = "It runs, and waits for the address that it is reached at from outside."


class Changes(Book):
    """What a server is asked for besides; every method raises what those of `Records` raise."""

    def rebooting(self, claim: Claim, view: View) -> None:
        """The cloud is about to be asked for a reboot: never again for this wish."""

        def write(entry: Entry) -> None:
            entry.appliance.reboots_done = entry.appliance.reboots_wanted
            entry.note("the cloud is asked to reboot it")
            self._renew(entry)

        self._write_as(claim, view, write)

    def not_rebooted(self, claim: Claim, view: View, words: str) -> Again:
        """The cloud did not say that it reboots it; a person may ask once more.

        :param words: the cloud's.
        """

        def write(entry: Entry) -> Again:
            entry.note(f"it may not have been rebooted: {words}")
            return self._look_soon(entry)

        return self._write_as(claim, view, write)

    def resized(self, claim: Claim, view: View) -> None:
        """The server has the size that it shall have."""

        def write(entry: Entry) -> None:
            before = entry.appliance.seen_size
            entry.have_size(entry.appliance.size)
            entry.note(f"it is {entry.appliance.size} now, and was {before}")
            self._renew(entry)

        self._write_as(claim, view, write)

    def not_resized(self, claim: Claim, view: View, words: str) -> None:
        """The cloud refuses the other size: it keeps the one that it has.

        :param words: the cloud's.
        """

        def write(entry: Entry) -> None:
            wanted, kept = entry.appliance.size, entry.appliance.seen_size
            assert kept is not None, "resized without a server"
            entry.have_size(kept)
            entry.note(f"it stays {kept} and cannot be {wanted}: {words}")
            self._renew(entry)

        self._write_as(claim, view, write)

    def took_size(self, claim: Claim, view: View, size: str) -> None:
        """The server was given another size at the cloud: it shall have it, whatever the limits.

        :param size: its name in the catalogue.
        """

        def write(entry: Entry) -> None:
            before = entry.appliance.size
            entry.take_size(size)
            entry.note(f"it was made {size} at the cloud, and was {before}")
            self._renew(entry)

        self._write_as(claim, view, write)

    def without_address_yet(self, claim: Claim, view: View) -> Again:
        """The cloud was asked for an address and is to show it."""

        def write(entry: Entry) -> Again:
            entry.tell(NO_ADDRESS_YET)
            entry.release(self._context.poll)
            return Again(self._context.poll, NO_ADDRESS_YET)

        return self._write_as(claim, view, write)
