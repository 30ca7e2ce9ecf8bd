"""SummaryWriter: what a program tells TensorBoard, as events in files."""

from __future__ import annotations

import datetime
import os
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...missing import missing
from ...nn import Module
from ...tensor import Tensor, wrap
from ..drawing import draw_bounding_boxes
from . import projector
from .graph import graph_of
from .values import (
    as_array,
    as_number,
    as_picture,
    histogram,
    picture_of_figure,
    png,
    precision_recall,
)


class SummaryWriter:
    """Writes curves, pictures, histograms and graphs into the event files of a folder.

        log_dir          the folder; default: runs/ and in it date, time, host and `comment`
        comment          the end of the default folder's name
        purge_step       events from this step on, written by a run that broke off, are hidden
        max_queue        so many events wait in memory before they are written
        flush_secs       and so many seconds at most
        filename_suffix  of the event file

    In all methods `global_step` is the step on the x axis, `walltime` seconds since 1970 (default:
    now), and values are tensors, arrays or numbers. ``with`` closes the writer at the end.

    Raises as `values.as_array` does for what is not made of numbers.

    >>> from minitorch_cnn.utils.tensorboard import SummaryWriter  # doctest: +SKIP
    >>> with SummaryWriter("runs/x") as writer:  # doctest: +SKIP
    ...     writer.add_scalar("loss", 0.5, global_step=1)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = datetime.datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.purge_step = purge_step
        self.max_queue, self.flush_secs = max_queue, flush_secs
        self.filename_suffix = filename_suffix
        self._files: dict[str, Any] = {}  # folder -> its event file
        self._file(self.log_dir)

    def get_logdir(self) -> str:
        """The folder of the event files."""
        return self.log_dir

    # ---- numbers

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One point of the curve `tag`; "train/loss" stands in the group "train".

        new_style: as a tensor, which double_precision keeps in 64 bits. Raises AssertionError for
        a tensor of several numbers.
        """
        value = self._scalar(tag, as_number(scalar_value), new_style, double_precision)
        self._add(value, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Points of several curves in one chart; each curve has a folder of its own."""
        walltime = time.time() if walltime is None else walltime
        for tag, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            scalar = self._scalar(main_tag, as_number(value), False, False)
            self._add(scalar, global_step, walltime, folder)

    def _scalar(self, tag: str, value: float, new_style: bool, double: bool) -> Any:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto

        if not new_style:
            return Summary.Value(tag=tag, simple_value=value)
        tensor = (
            TensorProto(double_val=[value], dtype="DT_DOUBLE")
            if double
            else TensorProto(float_val=[value], dtype="DT_FLOAT")
        )
        return Summary.Value(tag=tag, tensor=tensor, metadata=_metadata("scalars"))

    def add_tensor(
        self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A whole tensor, of float32."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        metadata = _metadata("tensor")
        value = Summary.Value(tag=tag, tensor=_tensor(as_array(tensor)), metadata=metadata)
        self._add(value, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How values are distributed; see `values.histogram`. Raises ValueError without values."""
        found = histogram(values, bins, max_bins)
        self.add_histogram_raw(tag, *found, global_step=global_step, walltime=walltime)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: int,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """A histogram that is counted already: bucket_counts[i] of the values are up to
        bucket_limits[i]. Raises ValueError if these are not as many."""
        from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary

        if len(bucket_limits) != len(bucket_counts):
            raise ValueError(
                "len(bucket_limits) != len(bucket_counts), see the document: "
                f"{len(bucket_limits)} and {len(bucket_counts)}"
            )
        proto = HistogramProto(
            min=min,
            max=max,
            num=num,
            sum=sum,
            sum_squares=sum_squares,
            bucket_limit=bucket_limits,
            bucket=bucket_counts,
        )
        self._add(Summary.Value(tag=tag, histo=proto), global_step, walltime)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Precision over recall of one class; see `values.precision_recall`."""
        thresholds = min(num_thresholds, 127)  # more than TensorBoard shows
        hits, alarms, rejected, missed, precision, recall = precision_recall(
            labels, predictions, thresholds, weights
        )
        self.add_pr_curve_raw(
            tag, hits, alarms, rejected, missed, precision, recall, global_step, thresholds,
            walltime=walltime,
        )  # fmt: skip

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: int | None = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """The same from what is counted already, one number for each threshold."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData

        rows = [
            true_positive_counts, false_positive_counts, true_negative_counts,
            false_negative_counts, precision, recall,
        ]  # fmt: skip
        data = np.stack([as_array(row) for row in rows])
        content = PrCurvePluginData(version=0, num_thresholds=min(num_thresholds, 127))
        value = Summary.Value(
            tag=tag, tensor=_tensor(data), metadata=_metadata("pr_curves", content)
        )
        self._add(value, global_step, walltime)

    # ---- pictures

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """An image: uint8, or floats of 0 to 1. Raises AssertionError for axes that do not fit.

        dataformats: what the axes are, "CHW", "HWC" or "HW".
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        pixels = as_picture(img_tensor, dataformats)
        height, width, channels = pixels.shape
        image = Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png(pixels)
        )
        self._add(Summary.Value(tag=tag, image=image), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several images as one picture, eight in a row."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: list[str] | str | None = None,
    ) -> None:
        """An image with red boxes (N, 4): left, top, right, bottom. labels: written into them.

        Raises NotImplementedError for a rescale other than 1: resize the image before.
        """
        if rescale != 1:
            raise NotImplementedError(f"add_image_with_boxes: rescale={rescale} is not supported")
        image = wrap(as_picture(img_tensor, dataformats).transpose(2, 0, 1))
        boxes = wrap(as_array(box_tensor))
        labels = [labels] * len(boxes) if isinstance(labels, str) else labels
        drawn = draw_bounding_boxes(image, boxes, labels, colors="red", width=2)
        self.add_image(tag, drawn, global_step, walltime)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A matplotlib figure, or a list of figures of one size, as a picture.

        close: pyplot forgets them afterwards.
        """
        figures = figure if isinstance(figure, list) else [figure]
        pictures = np.stack([picture_of_figure(each) for each in figures])
        if close and "matplotlib.pyplot" in sys.modules:  # otherwise it knows none
            for each in figures:
                sys.modules["matplotlib.pyplot"].close(each)
        if isinstance(figure, list):
            self.add_images(tag, pictures, global_step, walltime, dataformats="NHWC")
        else:
            self.add_image(tag, pictures[0], global_step, walltime, dataformats="HWC")

    # ---- words, graphs, settings

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """A text; Markdown is shown as such."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData

        tensor = TensorProto(
            dtype="DT_STRING",
            string_val=[text_string.encode()],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        metadata = _metadata("text", TextPluginData(version=0))
        value = Summary.Value(tag=f"{tag}/text_summary", tensor=tensor, metadata=metadata)
        self._add(value, global_step, walltime)

    def add_graph(
        self,
        model: Module,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """What a model does with an input, as a graph; see `graph.graph_of`.

        input_to_model: a tensor or a tuple of them. verbose: print it, too. Raises ValueError
        without an input.
        """
        if input_to_model is None:
            raise ValueError("add_graph needs input_to_model, to see what the model does with it")
        graph = graph_of(model, input_to_model)
        if verbose:
            print(graph)
        self._write(graph_def=graph.SerializeToString())

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, list] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Settings of a run and what it reached, in a folder of their own below the writer's.

        hparam_dict: numbers, bool and text; None is left out. metric_dict: numbers.
        hparam_domain_discrete: the values that a setting may have. run_name: the folder; default:
        the time. Raises TypeError if these are no dictionaries, ValueError for other values.
        """
        if not isinstance(hparam_dict, Mapping) or not isinstance(metric_dict, Mapping):
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        summaries = _hparams(hparam_dict, metric_dict, hparam_domain_discrete or {})
        folder = os.path.join(self.log_dir, run_name or str(time.time()))
        with SummaryWriter(folder) as writer:
            for value in summaries:
                writer._add(value, global_step, None)
            for tag, value in metric_dict.items():
                writer.add_scalar(tag, value, global_step)

    def add_embedding(
        self,
        mat: Any,
        metadata: list | None = None,
        label_img: Any = None,
        global_step: int | None = None,
        tag: str = "default",
        metadata_header: list[str] | None = None,
    ) -> None:
        """Points (N, D) for the projector, with labels and pictures; see `projector.write`."""
        pictures = None if label_img is None else as_array(label_img)
        place = tag, global_step or 0
        projector.write(self.log_dir, place, as_array(mat), metadata, pictures, metadata_header)

    # ---- files

    def _file(self, folder: str) -> Any:
        if folder not in self._files:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.summary.writer.event_file_writer import EventFileWriter

            self._files[folder] = file = EventFileWriter(
                folder, self.max_queue, self.flush_secs, self.filename_suffix
            )
            if self.purge_step is not None:
                log = SessionLog(status=SessionLog.START)
                for content in ({"file_version": "brain.Event:2"}, {"session_log": log}):
                    event = Event(step=self.purge_step, wall_time=time.time(), **content)
                    file.add_event(event)
                self.purge_step = None
        return self._files[folder]

    def _add(
        self, value: Any, step: Any, walltime: float | None, folder: str | None = None
    ) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._write(step, walltime, folder, summary=Summary(value=[value]))

    def _write(
        self,
        step: Any = None,
        walltime: float | None = None,
        folder: str | None = None,
        **content: Any,
    ) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=time.time() if walltime is None else walltime, **content)
        if step is not None:
            event.step = int(as_number(step))
        self._file(self.log_dir if folder is None else folder).add_event(event)

    def flush(self) -> None:
        """Everything told so far is in the files afterwards."""
        for file in self._files.values():
            file.flush()

    def close(self) -> None:
        """Flushes and closes the files; what is told later goes into new ones."""
        for file in self._files.values():
            file.close()
        self._files = {}

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        raise missing("minitorch_cnn.utils.tensorboard.SummaryWriter", name)


def _metadata(plugin: str, content: Any = None) -> Any:
    """For which part of TensorBoard a value is."""
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

    data = b"" if content is None else content.SerializeToString()
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=data))


def _tensor(array: np.ndarray) -> Any:
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    dim = [TensorShapeProto.Dim(size=size) for size in array.shape]
    values = array.astype(np.float32).reshape(-1).tolist()
    return TensorProto(dtype="DT_FLOAT", float_val=values, tensor_shape=TensorShapeProto(dim=dim))


def _hparams(settings: Mapping, metrics: Mapping, choices: Mapping) -> list[Any]:
    """Three values: which settings there are, those of this run, and that it has ended."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2 as api, metadata, plugin_data_pb2 as data

    known = [*choices]
    for name in known:
        if name not in settings or not isinstance(choices[name], list):
            raise TypeError(
                f"parameter: hparam_domain_discrete[{name}] should be a list of a setting's values"
            )
    start = data.SessionStartInfo()
    infos = []
    for name, value in settings.items():
        if value is None:
            continue
        if isinstance(value, Tensor) or hasattr(value, "detach") or isinstance(value, np.generic):
            value = as_array(value).item()
        info = api.HParamInfo(name=name)
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
            info.type = api.DataType.Value("DATA_TYPE_BOOL")
        elif isinstance(value, int | float):
            start.hparams[name].number_value = value
            info.type = api.DataType.Value("DATA_TYPE_FLOAT64")
        elif isinstance(value, str):
            start.hparams[name].string_value = value
            info.type = api.DataType.Value("DATA_TYPE_STRING")
        else:
            raise ValueError(
                f"value should be one of int, float, str, bool, or a tensor: {name}={value!r:.60}"
            )
        if name in choices:
            info.domain_discrete.extend(choices[name])
        infos.append(info)
    experiment = api.Experiment(
        hparam_infos=infos,
        metric_infos=[api.MetricInfo(name=api.MetricName(tag=tag)) for tag in metrics],
    )
    end = data.SessionEndInfo(status=api.Status.Value("STATUS_SUCCESS"))
    version = metadata.PLUGIN_DATA_VERSION
    parts = {
        metadata.EXPERIMENT_TAG: data.HParamsPluginData(experiment=experiment, version=version),
        metadata.SESSION_START_INFO_TAG: data.HParamsPluginData(
            session_start_info=start, version=version
        ),
        metadata.SESSION_END_INFO_TAG: data.HParamsPluginData(
            session_end_info=end, version=version
        ),
    }
    return [
        Summary.Value(tag=tag, metadata=_metadata(metadata.PLUGIN_NAME, content))
        for tag, content in parts.items()
    ]
