// Every sentence of the page, in English and Korean. A function takes the values to fill in.

const TEXTS = {
  en: {
    language: "한국어",
    skip: "Go to the explanation of one number",
    theme: "Light / dark",
    eyebrow: "minitorch_cnn · explain",
    title: "Inside a convolutional network",
    lead: "Every number on this page was computed in Python while this picture went through this "
      + "network. Choose a feature map, then a pixel, and see the sum that made it, or the sums "
      + "that bring its gradient back.",
    untrained: "Nobody has trained this network: its weights are random, so its answer means "
      + "nothing. Train one and make its page with --checkpoint runs/x/best.",
    builtin: "The picture is one that the package draws itself. Take your own with --image.",
    partial: "To stay one small file, this page holds the first maps of each layer only (so many as "
      + "its card says in brackets), and of very large maps the middle. What the others add to a "
      + "sum is shown as one number, “the rest”.",
    answer: "The network’s answer",
    picture_alt: (p) => `The picture: ${p.name}`,
    network_title: "The network, from left to right",
    network_hint: "Each card is a layer, each tile a feature map. Click a tile, or use the arrow "
      + "keys. Lines above them show where a layer reads from further back.",
    strip_label: (p) => `The network: ${p.count} layers. Arrow keys move from map to map.`,
    forward: "Forward: the value",
    backward: "Backward: the gradient",
    layer: "Layer",
    map: "Map",
    row: "Row",
    column: "Column",
    channel: "Channel",
    filter: "Filter",
    previous: "previous",
    next: "next",
    pixel_title: "One number, taken apart",
    where_forward: (p) => `${p.layer}, map ${p.map}, row ${p.row}, column ${p.column} has the `
      + "value",
    where_backward: (p) => `One unit more in ${p.layer}, map ${p.map}, row ${p.row}, column `
      + `${p.column} changes the score of “${p.target}” by`,
    no_gradient: "No gradient arrives here.",
    reads_from: (p) => `reads from ${p.name}`,
    map_caption: (p) => `${p.layer}, map ${p.map}`,
    gradient_caption: (p) => `gradient of ${p.layer}, map ${p.map}`,
    map_alt: (p) => `${p.what}, ${p.h} by ${p.w} numbers from ${p.least} to ${p.most}. `
      + (p.pixel ? `Chosen: row ${p.pixel[0]}, column ${p.pixel[1]}, value ${p.value}. ` : "")
      + (p.marked ? `${p.marked} numbers are marked.` : ""),
    move_hint: "Arrow keys move the pixel.",
    window: "window of the input",
    kernel: "kernel",
    products: "products",
    gradient_window: "gradients of the outputs",
    turned_kernel: "weights, turned by 180°",
    padding_zero: "zero from the padding",
    channel_sums: (p) => `What each of the ${p.count} channels adds; click one`,
    filter_sums: (p) => `What each of the ${p.count} filters brings back; click one`,
    term_sums: (p) => `The ${p.count} largest of ${p.all} products`,
    this_channel: (p) => `channel ${p.c}`,
    other_channels: (p) => `${p.count} other channels`,
    this_filter: (p) => `filter ${p.c}`,
    other_filters: (p) => `${p.count} other filters`,
    bias: "bias",
    rest: "the rest, not in this page",
    via: (p) => `through ${p.name}`,
    check: (p) => `Added up here in JavaScript: ${p.here}. From Python: ${p.python}. `
      + `They differ by ${p.difference}.`,
    why_conv: "A small window of the input, times the kernel, cell by cell, summed over all "
      + "channels, plus the bias. The kernel is not turned around: what deep learning calls a "
      + "convolution is a cross-correlation.",
    why_conv_backward: "Every output whose window held this pixel sends its gradient back, times "
      + "the weight that it used the pixel with. Read by output places, these weights run "
      + "backwards: the input gradient is a convolution with the turned kernel.",
    why_affine: "Batch norm in evaluation: minus the mean of the training pictures, times one "
      + "over their deviation, then the learned weight and bias of this channel.",
    why_affine_backward: "A straight line: its gradient is its slope.",
    why_relu: "ReLU keeps what is above zero.",
    why_relu_backward: "ReLU lets the gradient through where its output is above zero, and "
      + "nowhere else.",
    relu_open: "open",
    relu_closed: "closed",
    why_add: "The residual block adds what went around it.",
    why_maxpool: "Max-pooling takes the largest number of its window.",
    why_maxpool_backward: "Max-pooling sends the gradient to the number that it took. The others "
      + "get nothing.",
    why_average: (p) => `The mean of ${p.area} numbers.`,
    why_average_backward: "The mean gives every number of its window an equal share.",
    why_linear: "Each input times its weight, summed up, plus the bias.",
    why_linear_backward: "Every score sends its gradient back, times the weight.",
    why_copy: "The number passes unchanged.",
    why_input: "The picture itself: each pixel minus the data’s mean, divided by its deviation.",
    why_score: "The score of the network’s answer. Backward starts here, with a gradient of 1.",
    why_other: "This page shows the numbers of this layer, but cannot take its sum apart.",
    columns_title: "im2col: all windows at once, as one matrix product",
    columns_lead: "Write every window as a column. Then one matrix product computes every output: "
      + "row k of the weights times column (i, j) is output k at row i, column j.",
    columns_count: (p) => `${p.rows} × ${p.columns} = ${p.cells} numbers, ${p.times} times as `
      + `many as the ${p.source} it is made of.`,
    weights_matrix: "weights",
    columns_matrix: "columns",
    result_matrix: "result",
    column_of: (p) => `Column ${p.n} of ${p.count}: the window of output row ${p.i}, column ${p.j}`,
    play: "Play",
    pause: "Pause",
    matrix_alt: (p) => `Matrix of ${p.what}: ${p.rows} rows, ${p.columns} columns. ${p.marked}`,
    marked_row: (p) => `Row ${p.n} is marked.`,
    marked_column: (p) => `Column ${p.n} is marked.`,
    detail_alt: (p) => `The rows of channel ${p.c} in the columns around the chosen one`,
    lab_title: "Change the convolution",
    lab_lead: "This is the same layer and the same input, computed in your browser by plain loops. "
      + "Change a weight, the stride, the padding or the dilation.",
    kernel_of: (p) => `Kernel of filter ${p.k}, channel ${p.c}`,
    weight_label: (p) => `weight, row ${p.u}, column ${p.v}`,
    stride: "stride",
    padding: "padding",
    dilation: "dilation",
    preset: "Kernels to try",
    preset_trained: "as trained",
    preset_identity: "identity",
    preset_blur: "blur",
    preset_vertical: "vertical edges",
    preset_horizontal: "horizontal edges",
    preset_turned: "turn by 180°",
    lab_input: (p) => `input: ${p.layer}, map ${p.map}`,
    lab_output: "output",
    lab_size: "Output rows",
    lab_same: (p) => `As Python computed it: over all ${p.count} numbers the largest difference `
      + `is ${p.difference}.`,
    lab_changed: (p) => `Changed. The number at row ${p.i}, column ${p.j} is ${p.value}`
      + (p.before === null ? "." : `; in the network it is ${p.before}.`),
    lab_partial: "Only the maps in this page are summed here.",
    lab_impossible: "The window does not fit into the image: there is no output.",
    no_convolution: "This network has no two-dimensional convolution.",
    footer: "In the formulas: x input, w weight, b bias, y output; c channel, k filter, i, j "
      + "output row and column, u, v kernel row and column; s stride, p padding, d dilation.",
    made_by: (p) => `Made by minitorch_cnn ${p.version}: ${p.network}, ${p.name}.`,
    failed: "This browser cannot unpack the page’s numbers (DecompressionStream is missing). "
      + "Chrome 80, Firefox 113, Safari 16.4 and later can.",
    kinds: {
      input: "picture", conv: "convolution", affine: "batch norm", relu: "ReLU", add: "addition",
      maxpool: "max-pooling", avgpool: "mean-pooling", adaptive: "mean-pooling",
      flatten: "flatten", linear: "linear", identity: "unchanged", other: "other",
    },
  },
  ko: {
    language: "English",
    skip: "숫자 하나의 설명으로 가기",
    theme: "밝게 / 어둡게",
    eyebrow: "minitorch_cnn · explain",
    title: "합성곱 신경망의 속을 들여다보기",
    lead: "이 페이지의 모든 숫자는 이 그림이 이 신경망을 통과하는 동안 Python이 계산한 값입니다. "
      + "특징 맵을 고르고 픽셀을 고르면, 그 값을 만든 합과 기울기가 되돌아오는 합을 볼 수 있습니다.",
    untrained: "아직 학습하지 않은 신경망입니다. 가중치가 무작위이므로 답에는 의미가 없습니다. "
      + "신경망을 학습한 뒤 --checkpoint runs/x/best로 페이지를 만들어 보세요.",
    builtin: "패키지가 직접 그린 그림입니다. --image로 자신의 그림을 쓸 수 있습니다.",
    partial: "파일을 작게 유지하려고 층마다 처음 몇 개의 맵만(카드의 괄호 안 숫자만큼), 아주 큰 맵은 "
      + "가운데만 담았습니다. 나머지가 합에 보태는 값은 ‘나머지’라는 숫자 하나로 보여 줍니다.",
    answer: "신경망의 답",
    picture_alt: (p) => `입력 그림: ${p.name}`,
    network_title: "왼쪽에서 오른쪽으로 보는 신경망",
    network_hint: "카드 하나가 층 하나, 타일 하나가 특징 맵 하나입니다. 타일을 누르거나 방향키를 "
      + "쓰세요. 카드 위의 선은 더 앞쪽 층에서 값을 읽어 오는 연결입니다.",
    strip_label: (p) => `신경망: 층 ${p.count}개. 방향키로 맵 사이를 옮겨 다닙니다.`,
    forward: "순전파: 값",
    backward: "역전파: 기울기",
    layer: "층",
    map: "맵",
    row: "행",
    column: "열",
    channel: "채널",
    filter: "필터",
    previous: "이전",
    next: "다음",
    pixel_title: "숫자 하나 분해하기",
    where_forward: (p) => `${p.layer}, 맵 ${p.map}, ${p.row}행 ${p.column}열의 값`,
    where_backward: (p) => `${p.layer}, 맵 ${p.map}, ${p.row}행 ${p.column}열이 1만큼 커질 때 `
      + `‘${p.target}’ 점수의 변화`,
    no_gradient: "이곳에는 기울기가 도달하지 않습니다.",
    reads_from: (p) => `${p.name}에서 읽음`,
    map_caption: (p) => `${p.layer}, 맵 ${p.map}`,
    gradient_caption: (p) => `${p.layer}의 기울기, 맵 ${p.map}`,
    map_alt: (p) => `${p.what}. ${p.h}×${p.w}개의 숫자, 범위 ${p.least} ~ ${p.most}. `
      + (p.pixel ? `선택: ${p.pixel[0]}행 ${p.pixel[1]}열, 값 ${p.value}. ` : "")
      + (p.marked ? `숫자 ${p.marked}개가 표시되어 있습니다.` : ""),
    move_hint: "방향키로 픽셀을 옮깁니다.",
    window: "입력의 창",
    kernel: "커널",
    products: "곱",
    gradient_window: "출력의 기울기",
    turned_kernel: "180° 돌린 가중치",
    padding_zero: "패딩의 0",
    channel_sums: (p) => `채널 ${p.count}개가 각각 보태는 값 (눌러서 선택)`,
    filter_sums: (p) => `필터 ${p.count}개가 각각 되돌려 주는 값 (눌러서 선택)`,
    term_sums: (p) => `곱 ${p.all}개 가운데 가장 큰 ${p.count}개`,
    this_channel: (p) => `채널 ${p.c}`,
    other_channels: (p) => `다른 채널 ${p.count}개`,
    this_filter: (p) => `필터 ${p.c}`,
    other_filters: (p) => `다른 필터 ${p.count}개`,
    bias: "편향",
    rest: "이 페이지에 담지 않은 나머지",
    via: (p) => `${p.name} 경유`,
    check: (p) => `JavaScript로 여기서 더한 값: ${p.here}. Python의 값: ${p.python}. `
      + `차이는 ${p.difference}입니다.`,
    why_conv: "입력의 작은 창과 커널을 칸마다 곱하고, 모든 채널에 걸쳐 더한 뒤 편향을 더합니다. "
      + "커널은 뒤집지 않습니다. 딥러닝에서 합성곱이라 부르는 연산은 사실 교차상관입니다.",
    why_conv_backward: "이 픽셀을 창에 담았던 모든 출력이, 이 픽셀에 곱했던 가중치를 자신의 기울기에 "
      + "곱해 되돌려 보냅니다. 출력 위치의 순서로 보면 가중치가 거꾸로 놓입니다. 그래서 입력의 "
      + "기울기는 180° 돌린 커널과의 합성곱입니다.",
    why_affine: "추론 때의 배치 정규화: 학습 데이터의 평균을 빼고 표준편차로 나눈 뒤, 이 채널의 "
      + "학습된 가중치를 곱하고 편향을 더합니다.",
    why_affine_backward: "일차 함수이므로 기울기는 그 직선의 기울기 그대로입니다.",
    why_relu: "ReLU는 0보다 큰 값만 남깁니다.",
    why_relu_backward: "ReLU는 출력이 0보다 큰 곳에서만 기울기를 통과시킵니다.",
    relu_open: "열림",
    relu_closed: "닫힘",
    why_add: "잔차 블록은 블록을 돌아온 지름길의 값을 더합니다.",
    why_maxpool: "최대 풀링은 창에서 가장 큰 값을 고릅니다.",
    why_maxpool_backward: "최대 풀링은 골랐던 값에만 기울기를 보냅니다. 나머지는 받지 못합니다.",
    why_average: (p) => `숫자 ${p.area}개의 평균입니다.`,
    why_average_backward: "평균은 창 안의 모든 숫자에 똑같은 몫을 나누어 줍니다.",
    why_linear: "입력마다 가중치를 곱해 모두 더하고 편향을 더합니다.",
    why_linear_backward: "모든 출력이 자신의 기울기에 가중치를 곱해 되돌려 보냅니다.",
    why_copy: "값이 그대로 지나갑니다.",
    why_input: "그림 자체입니다. 픽셀마다 데이터의 평균을 빼고 표준편차로 나눈 값입니다.",
    why_score: "신경망이 낸 답의 점수입니다. 역전파는 여기서 기울기 1로 시작합니다.",
    why_other: "이 층은 숫자만 보여 주며, 합을 분해해 보여 주지는 못합니다.",
    columns_title: "im2col: 모든 창을 한 번에, 행렬 곱 하나로",
    columns_lead: "창을 하나씩 열로 적습니다. 그러면 행렬 곱 한 번으로 모든 출력이 나옵니다. 가중치의 "
      + "k번째 행과 (i, j) 열을 곱해 더하면 필터 k의 i행 j열 출력입니다.",
    columns_count: (p) => `${p.rows} × ${p.columns} = 숫자 ${p.cells}개. 원래 입력 `
      + `${p.source}의 ${p.times}배입니다.`,
    weights_matrix: "가중치",
    columns_matrix: "열 행렬",
    result_matrix: "결과",
    column_of: (p) => `열 ${p.n} / ${p.count}: 출력 ${p.i}행 ${p.j}열의 창`,
    play: "재생",
    pause: "멈춤",
    matrix_alt: (p) => `${p.what} 행렬: ${p.rows}행 ${p.columns}열. ${p.marked}`,
    marked_row: (p) => `${p.n}번 행이 표시되어 있습니다.`,
    marked_column: (p) => `${p.n}번 열이 표시되어 있습니다.`,
    detail_alt: (p) => `선택한 열과 그 주변 열에서 채널 ${p.c}에 해당하는 행`,
    lab_title: "합성곱을 바꿔 보기",
    lab_lead: "같은 층과 같은 입력을 브라우저가 단순한 반복문으로 다시 계산합니다. 가중치, 스트라이드, "
      + "패딩, 팽창을 바꿔 보세요.",
    kernel_of: (p) => `필터 ${p.k}, 채널 ${p.c}의 커널`,
    weight_label: (p) => `가중치, ${p.u}행 ${p.v}열`,
    stride: "스트라이드",
    padding: "패딩",
    dilation: "팽창",
    preset: "시험해 볼 커널",
    preset_trained: "원래 값",
    preset_identity: "항등",
    preset_blur: "흐리게",
    preset_vertical: "세로 경계",
    preset_horizontal: "가로 경계",
    preset_turned: "180° 돌리기",
    lab_input: (p) => `입력: ${p.layer}, 맵 ${p.map}`,
    lab_output: "출력",
    lab_size: "출력의 행 수",
    lab_same: (p) => `Python이 계산한 결과와 같습니다. 숫자 ${p.count}개 가운데 가장 큰 차이는 `
      + `${p.difference}입니다.`,
    lab_changed: (p) => `바뀌었습니다. ${p.i}행 ${p.j}열의 값은 ${p.value}입니다.`
      + (p.before === null ? "" : ` 신경망에서는 ${p.before}였습니다.`),
    lab_partial: "이 페이지에 담긴 맵만 더했습니다.",
    lab_impossible: "창이 그림보다 커서 출력이 없습니다.",
    no_convolution: "이 신경망에는 2차원 합성곱이 없습니다.",
    footer: "수식의 기호: x 입력, w 가중치, b 편향, y 출력, c 채널, k 필터, i, j 출력의 행과 열, "
      + "u, v 커널의 행과 열, s 스트라이드, p 패딩, d 팽창.",
    made_by: (p) => `minitorch_cnn ${p.version}로 만듦: ${p.network}, ${p.name}.`,
    failed: "이 브라우저는 페이지의 숫자를 풀 수 없습니다(DecompressionStream 없음). Chrome 80, "
      + "Firefox 113, Safari 16.4 이상에서 열어 주세요.",
    kinds: {
      input: "입력 그림", conv: "합성곱", affine: "배치 정규화", relu: "ReLU", add: "덧셈",
      maxpool: "최대 풀링", avgpool: "평균 풀링", adaptive: "평균 풀링",
      flatten: "펼치기", linear: "완전 연결", identity: "그대로", other: "기타",
    },
  },
};

let language = "en";

// A sentence in the current language.
function t(key, values) {
  const text = TEXTS[language][key];
  return typeof text === "function" ? text(values) : text;
}

// Fills every element that names its sentence in data-text.
function fillTexts() {
  document.documentElement.lang = language;
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = t(node.dataset.text);
  }
}
