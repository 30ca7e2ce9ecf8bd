// The sentences about changing the network; the others are in text.js. One that ends in _edited is
// used in place of another as soon as something is changed.

Object.assign(TEXTS.en, {
  alive_title: "Change it, and see everything follow",
  alive_lead: "The whole network runs here, in your browser. Draw on the picture, change a weight or "
    + "switch a map off: all later maps, the numbers taken apart below and the answer follow at once.",
  alive_partial: (p) => "This page is too small for all weights of this network, so the network "
    + `cannot run here. Made with --megabytes ${p.megabytes} it can. The convolution at the end of `
    + "this page can be changed all the same.",
  alive_unknown: (p) => `The network cannot run here: the page has no rule for ${p.names}.`,
  alive_failed: (p) => `Running the network failed: ${p.error}`,
  alive_frozen: (p) => "Something that leaves no gradient (a comparison, a sorting, detach, item) has "
    + `chosen numbers or places for this picture. They stay as they are when you change something: ${p.names}.`,
  alive_branches: "For another picture this network does other operations: its program has branches, or "
    + "reads from places that depend on the picture. Here it does the same ones whatever you change.",
  alive_picture: "The picture",
  canvas_label: (p) => `The picture, ${p.h} by ${p.w} pixels, to draw on. Arrow keys move, space draws. `
    + `At row ${p.i}, column ${p.j}.`,
  colour: "Colour",
  brush: "Brush",
  slice: "Slice",
  choose_picture: "Another picture",
  camera: "Camera",
  camera_off: "Camera off",
  reset_picture: "Reset the picture",
  picture_hint: "Draw with the mouse, a finger or the keyboard; a picture can be dropped here.",
  picture_unreadable: (p) => `${p.name} is no picture that this browser can read.`,
  picture_taken: (p) => `${p.name}, cut to a ${p.w}×${p.h} picture.`,
  camera_refused: (p) => `No picture from the camera: ${p.error}`,
  alive_layer: (p) => `${p.layer}, map ${p.map}`,
  map_off: "Switch this map off",
  map_on: "Switch this map on",
  reset_layer: "Reset this layer",
  numbers_of: "Numbers",
  parameter_names: { weight: "weight", bias: "bias", slope: "slope" },
  no_weights: "This layer has no weights. Choose another one in the network above.",
  channel_of: "Channel",
  kernel_slice_of: "Channel and slice",
  input_of: "Input",
  fields_from: (p) => `${p.name}, ${p.from} ${p.channel}`,
  field_label: (p) => `${p.name}, row ${p.u}, column ${p.v}`,
  training: "Training",
  training_missing: "Only a network that ends in one score for each class can be trained here.",
  steps: "Steps",
  one_step: "One SGD step",
  train: "Train on this picture",
  stop: "Stop",
  loss_now: (p) => `Cross-entropy for “${p.target}”: ${p.loss} after ${p.count} `
    + `${p.count === 1 ? "step" : "steps"} `
    + `(${p.first} before).`,
  loss_plot: (p) => `The loss over ${p.count} steps, from ${p.first} to ${p.loss}`,
  loss_broken: "The loss is no number any more: reset, and take a smaller learning rate.",
  training_mode: (p) => "Plain SGD, w − rate · gradient, on "
    + (p.count === p.all ? `all ${p.all} learned numbers` : `${p.count} of the ${p.all} learned `
      + "numbers (the others do not reach the scores, or only by something that cannot run here)")
    + ". Batch norm and dropout work as in evaluation: batch norm keeps the mean and the deviation "
    + "of its training, while its weight and bias learn.",
  edited: (p) => `Edited: ${p.what}. All numbers that depend on it are computed in this page.`,
  edited_picture: "the picture",
  edited_weights: (p) => (p.names.length > 3 ? `weights of ${p.names.length} layers`
    : `weights of ${p.names.join(", ")}`),
  edited_off: (p) => (p.maps.length > 3 ? `${p.maps.length} maps are off` : `${p.maps.join(", ")} off`),
  one_map: (p) => `${p.layer} map ${p.map}`,
  apply_kernel: "Put these weights into the network",
  reset_all: "Reset everything",
  lead_edited: "Every number that the change reaches is computed here, in your browser; all others "
    + "come from Python. Choose a feature map, then a pixel, and see the sum that made it, or the "
    + "sums that bring its gradient back.",
  check_edited: (p) => `Added up here: ${p.here}. From the run of the changed network: ${p.python}. `
    + `They differ by ${p.difference}.`,
  check_off: "A map is switched off here: its numbers are 0 instead.",
  weight_not_stored_edited: "The gradient of this weight has not been computed.",
  lab_same_edited: (p) => `As in the changed network: over all ${p.count} numbers the largest `
    + `difference is ${p.difference}.`,
});
Object.assign(TEXTS.ko, {
  alive_title: "바꾸면 모든 것이 따라 바뀝니다",
  alive_lead: "신경망 전체가 이 브라우저 안에서 계산됩니다. 그림에 그리거나, 가중치를 바꾸거나, 맵을 꺼 보세요. "
    + "그 뒤의 모든 맵과 아래에서 분해하는 숫자, 신경망의 답이 바로 바뀝니다.",
  alive_partial: (p) => "이 신경망의 가중치를 모두 담기에는 페이지가 작아서 여기서 신경망을 실행할 수 없습니다. "
    + `--megabytes ${p.megabytes}로 페이지를 만들면 실행할 수 있습니다. 페이지 끝의 합성곱은 지금도 바꿔 볼 수 있습니다.`,
  alive_unknown: (p) => `여기서 신경망을 실행할 수 없습니다. 이 페이지가 계산할 줄 모르는 연산: ${p.names}`,
  alive_failed: (p) => `신경망을 실행하지 못했습니다: ${p.error}`,
  alive_frozen: (p) => "그래디언트를 남기지 않는 연산(비교, 정렬, detach, item)이 이 그림에 맞추어 고른 숫자나 자리가 있습니다. "
    + `다음 층에서는 무엇을 바꾸어도 그대로 둡니다: ${p.names}.`,
  alive_branches: "이 신경망의 프로그램에는 분기가 있거나 그림에 따라 달라지는 자리를 읽는 곳이 있어서, 다른 그림에는 다른 연산을 "
    + "합니다. 여기서는 무엇을 바꾸어도 같은 연산을 합니다.",
  alive_picture: "그림",
  canvas_label: (p) => `그림을 그릴 수 있는 ${p.h}×${p.w} 픽셀의 입력 그림. 방향키로 움직이고 스페이스로 `
    + `칠합니다. 지금 ${p.i}행 ${p.j}열.`,
  colour: "색",
  brush: "붓 크기",
  slice: "단면",
  choose_picture: "다른 그림",
  camera: "카메라",
  camera_off: "카메라 끄기",
  reset_picture: "그림 되돌리기",
  picture_hint: "마우스나 손가락, 키보드로 그릴 수 있습니다. 그림 파일을 여기에 끌어다 놓아도 됩니다.",
  picture_unreadable: (p) => `${p.name}: 이 브라우저가 읽을 수 있는 그림이 아닙니다.`,
  picture_taken: (p) => `${p.name}, ${p.w}×${p.h} 픽셀로 잘라 넣었습니다.`,
  camera_refused: (p) => `카메라의 그림을 받지 못했습니다: ${p.error}`,
  alive_layer: (p) => `${p.layer}, 맵 ${p.map}`,
  map_off: "이 맵 끄기",
  map_on: "이 맵 켜기",
  reset_layer: "이 층 되돌리기",
  numbers_of: "바꿀 값",
  parameter_names: { weight: "가중치", bias: "편향", slope: "기울기" },
  no_weights: "이 층에는 가중치가 없습니다. 위의 신경망에서 다른 층을 고르세요.",
  channel_of: "채널",
  kernel_slice_of: "채널과 단면",
  input_of: "입력",
  fields_from: (p) => `${p.name}, ${p.from} ${p.channel}`,
  field_label: (p) => `${p.name}, ${p.u}행 ${p.v}열`,
  training: "학습",
  training_missing: "클래스마다 점수 하나로 끝나는 신경망만 여기서 학습할 수 있습니다.",
  steps: "스텝 수",
  one_step: "SGD 한 스텝",
  train: "이 그림으로 학습",
  stop: "멈추기",
  loss_now: (p) => `정답이 ‘${p.target}’일 때의 교차 엔트로피: ${p.count}스텝 뒤 ${p.loss} `
    + `(처음 ${p.first})`,
  loss_plot: (p) => `${p.count}스텝 동안의 손실, ${p.first}에서 ${p.loss}까지`,
  loss_broken: "손실을 더는 숫자로 나타낼 수 없습니다. 되돌린 뒤 학습률을 줄여 보세요.",
  training_mode: (p) => "가중치를 w − 학습률 × 그래디언트로 바꾸는 단순한 SGD입니다. "
    + (p.count === p.all ? `학습하는 값 ${p.all}개를 모두 바꿉니다` : `학습하는 값 ${p.all}개 가운데 `
      + `${p.count}개를 바꿉니다(나머지는 점수에 닿지 않거나, 여기서 실행할 수 없는 연산을 거쳐야만 닿습니다)`)
    + ". 배치 정규화와 드롭아웃은 추론할 때처럼 동작합니다. 배치 정규화의 평균과 표준편차는 그대로 두고, "
    + "가중치와 편향만 학습합니다.",
  edited: (p) => `바뀐 것: ${p.what}. 이에 따라 달라지는 모든 숫자는 이 페이지에서 계산했습니다.`,
  edited_picture: "그림",
  edited_weights: (p) => (p.names.length > 3 ? `층 ${p.names.length}개의 가중치`
    : `${p.names.join(", ")}의 가중치`),
  edited_off: (p) => (p.maps.length > 3 ? `꺼진 맵 ${p.maps.length}개` : `꺼진 맵 ${p.maps.join(", ")}`),
  one_map: (p) => `${p.layer} 맵 ${p.map}`,
  apply_kernel: "이 가중치를 신경망에 넣기",
  reset_all: "모두 되돌리기",
  lead_edited: "바뀐 것에 따라 달라지는 숫자는 모두 이 브라우저가, 나머지 숫자는 Python이 계산한 값입니다. "
    + "특징 맵을 고르고 픽셀을 고르면, 그 값을 만든 합과 그래디언트가 되돌아오는 합을 볼 수 있습니다.",
  check_edited: (p) => `여기서 더한 값: ${p.here}. 바뀐 신경망을 실행한 값: ${p.python}. `
    + `차이는 ${p.difference}입니다.`,
  check_off: "여기에는 꺼진 맵이 있어서, 그 숫자 대신 0을 씁니다.",
  weight_not_stored_edited: "이 가중치의 그래디언트는 계산하지 않았습니다.",
  lab_same_edited: (p) => `바뀐 신경망의 결과와 같습니다. 숫자 ${p.count}개 가운데 가장 큰 차이는 `
    + `${p.difference}입니다.`,
});
