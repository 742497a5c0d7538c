"""`dvr.clips`: the clips of a `LiveDvr`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from livedvr.catalog.catalog import Also
from livedvr.resources.clip import Clip, OutputType, TimeSlice
from livedvr.resources.errors import InvalidArgument

if TYPE_CHECKING:
    from livedvr.channel_runtime import ChannelRuntime


class Clips:
    """The clips of a `LiveDvr`. ``runtime`` gives a channel at work."""

    def __init__(self, runtime: Callable[[str], Awaitable[ChannelRuntime]]) -> None:
        self._runtime = runtime

    async def create(
        self,
        channel_id: str,
        clip_id: str,
        slices: Sequence[TimeSlice],
        *,
        output_uri: str,
        manifest_key: str | None = None,
        output_type: OutputType = "MANIFEST",
        exact: bool = False,
        labels: Mapping[str, str] | None = None,
        also: Also[Clip] | None = None,
    ) -> Clip:
        """Accept a clip of past content; it is made in the background, see `watch`.

        Args:
            slices: sorted and apart; edges snap outward to whole segments (W5).
            output_uri: the folder it is written into, made at need: a path or ``file:///...``.
            manifest_key: of the channel's manifests, the first by default: which renditions, and the file's name.
            output_type: MANIFEST, a presentation with copies of its segments, or MP4, one file.
            exact: MP4 alone: cut to the frame.
            also: called with the catalog's connection and the clip, in the transaction that stores it.

        Raises:
            FailedPrecondition: a slice is not over yet, or not wholly kept any more.
            NotFound: no such channel, or no media in a slice.
            AlreadyExists: the id, or what would be written.
            InvalidArgument, StorageError: what else is wrong with it.
        """
        if isinstance(slices, TimeSlice):
            raise InvalidArgument("slices is a list", field="slices", hint="slices=[TimeSlice(...)]")
        clips = (await self._runtime(channel_id)).clips
        return await clips.create(
            clip_id,
            slices,
            output_uri=output_uri,
            manifest_key=manifest_key,
            output_type=output_type,
            exact=exact,
            labels=labels or {},
            also=also,
        )

    async def get(self, channel_id: str, clip_id: str) -> Clip:
        """The clip as it stands, or NOT_FOUND."""
        return (await self._runtime(channel_id)).clips.get(clip_id)

    async def list(self, channel_id: str) -> list[Clip]:
        """The channel's clips by creation, the latest 1000."""
        return (await self._runtime(channel_id)).clips.list()

    async def delete(self, channel_id: str, clip_id: str) -> None:
        """Delete the record; the files stay [G]. A clip that is still being made is given up, and leaves nothing."""
        await (await self._runtime(channel_id)).clips.delete(clip_id)

    async def watch(self, channel_id: str, clip_id: str) -> AsyncIterator[Clip]:
        """The clip now and after each change, until it has SUCCEEDED, FAILED or gone."""
        async for clip in (await self._runtime(channel_id)).clips.watch(clip_id):
            yield clip
