// Every sentence of the page, in English and Korean. A function takes the values to fill in.

const several = (count, what, ending = "s") => `${count} ${what}${count === 1 ? "" : ending}`;

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
    answer_at: (p) => `${p.answer} (row ${p.row}, column ${p.column})`,
    picture_alt: (p) => `The picture: ${p.name}`,
    network_title: "The network, from left to right",
    network_hint: "Each card is a layer, each tile a feature map. Click a tile, or use the arrow "
      + "keys. Lines above them show where a layer reads from further back.",
    strip_label: (p) => `The network: ${p.count} layers. Arrow keys move from map to map.`,
    forward: "Forward: the value",
    backward: "Backward: the gradient",
    layer: "Layer",
    map: "Map",
    number: "Number",
    row: "Row",
    column: "Column",
    channel: "Channel",
    filter: "Filter",
    previous: "previous",
    next: "next",
    pixel_title: "One number, taken apart",
    where_forward: (p) => `${p.place} has the value`,
    where_backward: (p) => `One unit more in ${p.place} changes the score of “${p.target}” by`,
    place_map: (p) => `${p.layer}, map ${p.map}, row ${p.row}, column ${p.column}`,
    place_feature: (p) => `${p.layer}, number ${p.map}`,
    place_class: (p) => `${p.layer}, class “${p.name}”`,
    features_caption: (p) => `${p.layer}, all ${p.count} numbers`,
    features_gradient: (p) => `gradient of ${p.layer}, all ${p.count} numbers`,
    no_gradient: "No gradient arrives here.",
    reads_from: (p) => `reads from ${p.name}`,
    map_caption: (p) => `${p.layer}, map\u00a0${p.map}`,
    gradient_caption: (p) => `gradient of ${p.layer}, map\u00a0${p.map}`,
    map_alt: (p) => `${p.what}, ${p.h} by ${p.w} numbers from ${p.least} to ${p.most}. `
      + (p.pixel ? `Chosen: row ${p.pixel[0]}, column ${p.pixel[1]}, value ${p.value}. ` : "")
      + (p.marked ? `${p.marked} numbers are marked.` : ""),
    move_hint: "Arrow keys move the pixel.",
    window: "window of the input",
    kernel: "kernel",
    products: "products",
    gradient_window: "gradients of the outputs",
    turned_kernel: "weights, turned by 180°",
    zero_padding: "zero from the padding",
    zero_between: "zero put in between by the stride",
    zero_frame: "zero around the arriving gradient",
    channel_sums: (p) => `What each of the ${p.count} channels adds; click one`,
    filter_sums: (p) => `What each of the ${p.count} filters brings back; click one`,
    term_sums: (p) => `The ${p.count} largest of ${p.all} products`,
    this_channel: (p) => `channel ${p.c}`,
    other_channels: (p) => several(p.count, "other channel"),
    this_filter: (p) => `filter ${p.c}`,
    other_filters: (p) => several(p.count, "other filter"),
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
    why_affine_backward: "In evaluation batch norm is a straight line for each map, so the "
      + "gradient is multiplied by that line’s slope.",
    why_relu: "ReLU keeps what is above zero.",
    why_relu_backward: "ReLU lets the gradient through where its output is above zero, and "
      + "nowhere else.",
    relu_open: "open",
    relu_closed: "closed",
    why_add: "Two branches meet, and their numbers are added; in a residual block one of them is "
      + "what went around it.",
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
    columns_count: (p) => `${p.rows} × ${p.columns} = ${p.cells} numbers, `
      + `${p.times === "1" ? "" : `${p.times} times `}as many as the ${p.source} it is made of.`,
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
    lab_input: (p) => `input: ${p.layer}, map\u00a0${p.map}`,
    lab_output: "output",
    lab_size: "Output rows",
    lab_same: (p) => `As Python computed it: over all ${p.count} numbers the largest difference `
      + `is ${p.difference}.`,
    lab_changed: (p) => `Changed. The number at row ${p.i}, column ${p.j} is ${p.value}`
      + (p.before === null ? "; the network has no output with its window at the same place."
        : `; the network’s, with its window at the same place (row ${p.row}, column ${p.column}), `
          + `is ${p.before}.`),
    lab_partial: "Only the maps in this page are summed here.",
    lab_impossible: "The window does not fit into the image: there is no output.",
    no_convolution: "This network has no two-dimensional convolution.",
    footer: "In the formulas: x input, w weight, b bias, y output; c channel, k filter, i, j "
      + "output row and column, u, v kernel row and column; s stride, p padding, d dilation.",
    made_by: (p) => `Made by minitorch_cnn ${p.version}: ${p.network}, ${p.name}.`,
    failed: "This browser cannot unpack the page’s numbers (DecompressionStream is missing). "
      + "Chrome 80, Firefox 113, Safari 16.4 and later can.",
    // ---- backward through one layer
    backward_title: (p) => `Backward through ${p.layer} (${p.kind})`,
    backward_of: (p) => `What is differentiated is the score of “${p.target}”, not a loss. Left is `
      + "what this layer hands on to its input, right what arrives at its output. Click a pixel.",
    arrival_title: (p) => `Where the gradient at the output of ${p.layer} comes from: ${p.readers}`,
    input_channel: "Input channel",
    feature: "Input number",
    learning_rate: "Learning rate",
    target_class: "True class",
    handed_caption: (p) => `handed on to ${p.layer}, map\u00a0${p.map}`,
    handed_to: (p) => `handed on to ${p.name}`,
    handed_title: (p) => `To the input: channel ${p.channel}, row ${p.m}, column ${p.n}`,
    spread_caption: (p) => `arriving, filter ${p.map}, as the turned kernel meets it`,
    turned_text: "Every output whose window held this pixel sends its gradient back, times the "
      + "weight that it used the pixel with. Seen from the pixel these weights lie turned by 180°: "
      + "this is a convolution of the arriving gradient with the turned kernel, summed over the "
      + "filters.",
    spread_text: (p) => `The stride left out pixels between the windows, so zeros stand between `
      + `the arriving numbers (${p.zeros[0]} down, ${p.zeros[1]} across; hatched).`,
    falls_off: "What would go to the padding (outside the dashed line in the map above) falls off.",
    folds_back: "The padding was copied from pixels of the image; what goes to it is given to them.",
    groups_text: "Only the filters of this channel’s group have used it.",
    border_copies: "its copies in the padding",
    together: (p) => `gradient of ${p.name}`,
    adds_up: (p) => `${p.name} was read more than once. Each reader sends a gradient, and they add up.`,
    weight_title: (p) => `To a weight: filter ${p.k}, channel ${p.channel}, row ${p.u}, `
      + `column ${p.v}`,
    weight_gradients: (p) => `gradients of the kernel ${p.k}, channel ${p.c}; click one`,
    weight_text: "The weight met a pixel for every output. Each pair is a product: the gradient of "
      + "the weights is the correlation of the input with the arriving gradient.",
    bias_gradient: (p) => `The bias was added to every output: its gradient is their sum, ${p.sum}.`,
    weight_not_stored: "Python’s own number for this weight is not in this page; the gradients of "
      + "the first filters are.",
    arriving: "arriving gradients",
    under_them: "input under the weight",
    written_out: (p) => (p.count === 1 ? "this output" : `these ${p.count} outputs`),
    other_outputs: (p) => several(p.count, "other output"),
    minus_score: "gradient of −score",
    step_title: "One step of SGD",
    step_text: (p) => `Here the loss is minus the score: the step raises the score of “${p.target}”. `
      + "How a step on cross-entropy begins is shown at the last layer.",
    old_weight: "weight",
    new_weight: "new weight",
    feature_title: (p) => `To the input: number ${p.feature}`,
    feature_sums: (p) => `What each of the ${p.count} outputs brings back; click one`,
    other_scores: (p) => several(p.count, "other output"),
    linear_text: "Every output sends its gradient back, times the weight that it used the number "
      + "with.",
    linear_weight_title: (p) => `To a weight: output ${p.k}, input ${p.f}`,
    linear_weight_text: "The weight was used once: arriving gradient times input.",
    affine_title: "As here, in evaluation: a straight line",
    training_title: "In training: three terms",
    mean_gy: "mean ∂y",
    mean_gy_hat: "mean ∂y·x̂",
    training_text: (p) => "In training batch norm takes mean and deviation from the batch, and they "
      + "change with each number too; so the gradient loses its mean and what goes along with x̂. "
      + `Computed here for a batch of this one picture (${p.count} numbers of this map, mean `
      + `${p.mu}, σ ${p.sigma}, ε 1e-5) with the gradient that arrives in evaluation. The network `
      + "itself did not do this here.",
    gate_title: "A gate",
    gate_text: (p) => `The input was ${p.x}. The gate is open at ${p.open} of the ${p.all} numbers `
      + "of this map, where the input is above zero.",
    join_title: "To both arms",
    join_text: "An addition changes by one when either arm does: both get the gradient unchanged.",
    arm: (p) => `to ${p.name}`,
    routing_title: (p) => `Output row ${p.i}, column ${p.j}: where its gradient ${p.gy} goes`,
    gets: "gets",
    spreading_text: (p) => `The mean gives each of its ${p.area} numbers an equal share.`,
    ties: (p) => `${p.count} numbers are equally large: the first one takes it all.`,
    pool_pixel_title: (p) => `Input row ${p.m}, column ${p.n}: what all its windows send`,
    in_no_window: "in no window",
    copy_backward: "The gradient is handed on unchanged, number by number.",
    class: "class",
    score: "score",
    loss_title: "Where backward begins: softmax and cross-entropy",
    loss_text: (p) => "Softmax makes the scores z probabilities p. y is 1 for the true class, 0 for "
      + `the others. If the true class is “${p.target}”, the loss is −log p = ${p.loss}, and its `
      + "gradient at the scores is p − y.",
    loss_note: (p) => "Training goes backward from p − y. The gradients elsewhere on this page go "
      + `backward from a 1 at “${p.target}” and zeros, so that each says what changes that score.`,
    other_classes: (p) => `and ${several(p.count, "other class", "es")}`,
    last_step_title: (p) => `One step of SGD on that loss: class “${p.k}”, input ${p.f}`,
    input_number: (p) => `input ${p.f}`,
    loss_gradient: "gradient of the loss",
    loss_before: "loss",
    loss_after: "loss after the step",
    last_step_text: "The loss after the step is exact for a step of this layer’s weights and biases "
      + "alone.",
    columns_lead_backward: "Going backward, the same matrices are multiplied twice more: once for the "
      + "input, once for the weights.",
    gcols_matrix: "gradient of the columns",
    gweights_matrix: "gradient of the weights",
    arriving_matrix: "arriving gradient",
    col2im_title: "To the input: a product, then col2im",
    col2im_text: "The transposed weights (weightsᵀ) times the arriving gradient give each window’s "
      + "gradient as a column. col2im puts every column back to its window’s place and adds up where "
      + "windows overlap. Framed: the numbers that meet in the chosen input pixel.",
    col2im_cells: (p) => `what meets in channel ${p.channel}, row ${p.m}, column ${p.n}`,
    col2im_cell: (p) => `row ${p.row} (kernel row ${p.u}, column ${p.v}), column ${p.column} `
      + `(output row ${p.i}, column ${p.j}): ${p.product}`,
    col2im_sum: (p) => `sum of ${p.count}`,
    columns_weight_title: "To the weights: arriving gradient times columnsᵀ",
    columns_weight_text: "Row k of the arriving gradient times a row of the columns, number by "
      + "number, summed up.",
    columns_weight_sum: (p) => `Row ${p.k} of the arriving gradient times row ${p.row} of the columns `
      + `(channel ${p.c}, kernel row ${p.u}, column ${p.v}), ${p.columns} products: ${p.sum}.`,
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
      + "특징 맵을 고르고 픽셀을 고르면, 그 값을 만든 합과 그래디언트가 되돌아오는 합을 볼 수 있습니다.",
    untrained: "아직 학습하지 않은 신경망입니다. 가중치가 무작위이므로 답에는 의미가 없습니다. "
      + "신경망을 학습한 뒤 --checkpoint runs/x/best로 페이지를 만들어 보세요.",
    builtin: "패키지가 직접 그린 그림입니다. --image로 자신의 그림을 쓸 수 있습니다.",
    partial: "파일을 작게 유지하려고 층마다 처음 몇 개의 맵만(카드의 괄호 안 숫자만큼), 아주 큰 맵은 "
      + "가운데만 담았습니다. 나머지가 합에 보태는 값은 ‘나머지’라는 숫자 하나로 보여 줍니다.",
    answer: "신경망의 답",
    answer_at: (p) => `${p.answer} (${p.row}행 ${p.column}열)`,
    picture_alt: (p) => `입력 그림: ${p.name}`,
    network_title: "왼쪽에서 오른쪽으로 보는 신경망",
    network_hint: "카드 하나가 층 하나, 타일 하나가 특징 맵 하나입니다. 타일을 누르거나 방향키를 "
      + "쓰세요. 카드 위의 선은 더 앞쪽 층에서 값을 읽어 오는 연결입니다.",
    strip_label: (p) => `신경망: 층 ${p.count}개. 방향키로 맵 사이를 옮겨 다닙니다.`,
    forward: "순전파: 값",
    backward: "역전파: 그래디언트",
    layer: "층",
    map: "맵",
    number: "번호",
    row: "행",
    column: "열",
    channel: "채널",
    filter: "필터",
    previous: "이전",
    next: "다음",
    pixel_title: "숫자 하나 분해하기",
    where_forward: (p) => `${p.place}의 값`,
    where_backward: (p) => `${p.place}의 값이 1만큼 커질 때 ‘${p.target}’ 점수의 변화`,
    place_map: (p) => `${p.layer}, 맵 ${p.map}, ${p.row}행 ${p.column}열`,
    place_feature: (p) => `${p.layer}의 ${p.map}번 숫자`,
    place_class: (p) => `${p.layer}, ‘${p.name}’ 클래스`,
    features_caption: (p) => `${p.layer}, 숫자 ${p.count}개 전부`,
    features_gradient: (p) => `${p.layer}의 그래디언트, 숫자 ${p.count}개 전부`,
    no_gradient: "이곳에는 그래디언트가 도달하지 않습니다.",
    reads_from: (p) => `${p.name}에서 읽음`,
    map_caption: (p) => `${p.layer}, 맵\u00a0${p.map}`,
    gradient_caption: (p) => `${p.layer}의 그래디언트, 맵\u00a0${p.map}`,
    map_alt: (p) => `${p.what}. ${p.h}×${p.w}개의 숫자, 범위 ${p.least} ~ ${p.most}. `
      + (p.pixel ? `선택: ${p.pixel[0]}행 ${p.pixel[1]}열, 값 ${p.value}. ` : "")
      + (p.marked ? `숫자 ${p.marked}개가 표시되어 있습니다.` : ""),
    move_hint: "방향키로 픽셀을 옮깁니다.",
    window: "입력의 창",
    kernel: "커널",
    products: "곱",
    gradient_window: "출력의 그래디언트",
    turned_kernel: "180° 돌린 가중치",
    zero_padding: "패딩의 0",
    zero_between: "스트라이드 때문에 사이에 끼워 넣은 0",
    zero_frame: "들어오는 그래디언트를 둘러싼 0",
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
    why_conv_backward: "이 픽셀을 창에 담았던 모든 출력이, 이 픽셀에 곱했던 가중치를 자신의 그래디언트에 "
      + "곱해 되돌려 보냅니다. 출력 위치의 순서로 보면 가중치가 거꾸로 놓입니다. 그래서 입력의 "
      + "그래디언트는 180° 돌린 커널과의 합성곱입니다.",
    why_affine: "추론 때의 배치 정규화: 학습 데이터의 평균을 빼고 표준편차로 나눈 뒤, 이 채널의 "
      + "학습된 가중치를 곱하고 편향을 더합니다.",
    why_affine_backward: "추론할 때 배치 정규화는 맵마다 직선 하나입니다. 그래서 들어온 그래디언트에 그 직선의 기울기를 곱합니다.",
    why_relu: "ReLU는 0보다 큰 값만 남깁니다.",
    why_relu_backward: "ReLU는 출력이 0보다 큰 곳에서만 그래디언트를 통과시킵니다.",
    relu_open: "열림",
    relu_closed: "닫힘",
    why_add: "두 갈래가 만나는 곳에서 숫자를 더합니다. 잔차 블록에서는 둘 가운데 하나가 블록을 건너뛴 지름길의 "
      + "값입니다.",
    why_maxpool: "최대 풀링은 창에서 가장 큰 값을 고릅니다.",
    why_maxpool_backward: "최대 풀링은 골랐던 값에만 그래디언트를 보냅니다. 나머지는 받지 못합니다.",
    why_average: (p) => `숫자 ${p.area}개의 평균입니다.`,
    why_average_backward: "평균은 창 안의 모든 숫자에 똑같은 몫을 나누어 줍니다.",
    why_linear: "입력마다 가중치를 곱해 모두 더하고 편향을 더합니다.",
    why_linear_backward: "모든 출력이 자신의 그래디언트에 가중치를 곱해 되돌려 보냅니다.",
    why_copy: "값이 그대로 지나갑니다.",
    why_input: "그림 자체입니다. 픽셀마다 데이터의 평균을 빼고 표준편차로 나눈 값입니다.",
    why_score: "신경망이 낸 답의 점수입니다. 역전파는 여기서 그래디언트 1로 시작합니다.",
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
      + "패딩, 팽창(딜레이션)을 바꿔 보세요.",
    kernel_of: (p) => `필터 ${p.k}, 채널 ${p.c}의 커널`,
    weight_label: (p) => `가중치, ${p.u}행 ${p.v}열`,
    stride: "스트라이드",
    padding: "패딩",
    dilation: "팽창(딜레이션)",
    preset: "시험해 볼 커널",
    preset_trained: "원래 값",
    preset_identity: "항등",
    preset_blur: "흐리게",
    preset_vertical: "세로 경계",
    preset_horizontal: "가로 경계",
    preset_turned: "180° 돌리기",
    lab_input: (p) => `입력: ${p.layer}, 맵\u00a0${p.map}`,
    lab_output: "출력",
    lab_size: "출력의 행 수",
    lab_same: (p) => `Python이 계산한 결과와 같습니다. 숫자 ${p.count}개 가운데 가장 큰 차이는 `
      + `${p.difference}입니다.`,
    lab_changed: (p) => `바뀌었습니다. ${p.i}행 ${p.j}열의 값은 ${p.value}입니다. `
      + (p.before === null ? "신경망에는 창이 같은 자리에 놓이는 출력이 없습니다."
        : `신경망에서 창이 같은 자리에 놓이는 출력(${p.row}행 ${p.column}열)은 ${p.before}입니다.`),
    lab_partial: "이 페이지에 담긴 맵만 더했습니다.",
    lab_impossible: "창이 그림보다 커서 출력이 없습니다.",
    no_convolution: "이 신경망에는 2차원 합성곱이 없습니다.",
    footer: "수식의 기호: x 입력, w 가중치, b 편향, y 출력, c 채널, k 필터, i, j 출력의 행과 열, "
      + "u, v 커널의 행과 열, s 스트라이드, p 패딩, d 팽창(딜레이션).",
    made_by: (p) => `minitorch_cnn ${p.version}로 만듦: ${p.network}, ${p.name}.`,
    failed: "이 브라우저는 페이지의 숫자를 풀 수 없습니다(DecompressionStream 없음). Chrome 80, "
      + "Firefox 113, Safari 16.4 이상에서 열어 주세요.",
    // ---- 층 하나의 역전파
    backward_title: (p) => `${p.layer}의 역전파 (${p.kind})`,
    backward_of: (p) => `미분하는 값은 손실이 아니라 ‘${p.target}’의 점수입니다. 왼쪽은 이 층이 입력으로 `
      + "넘겨주는 그래디언트, 오른쪽은 출력으로 들어오는 그래디언트입니다. 픽셀을 눌러 보세요.",
    arrival_title: (p) => `${p.layer}의 출력으로 들어오는 그래디언트는 어디에서 오는가: ${p.readers}`,
    input_channel: "입력 채널",
    feature: "입력 번호",
    learning_rate: "학습률",
    target_class: "정답 클래스",
    handed_caption: (p) => `${p.layer}에 넘겨줌, 맵\u00a0${p.map}`,
    handed_to: (p) => `${p.name}에 넘겨줌`,
    handed_title: (p) => `입력으로: 채널 ${p.channel}, ${p.m}행 ${p.n}열`,
    spread_caption: (p) => `필터 ${p.map}의 들어오는 그래디언트와 돌린 커널의 자리`,
    turned_text: "이 픽셀을 창에 담았던 모든 출력이, 이 픽셀에 곱했던 가중치를 자신의 그래디언트에 곱해 "
      + "되돌려 보냅니다. 픽셀에서 보면 이 가중치들은 180° 돌아간 순서로 놓입니다. 그래서 이것은 들어오는 "
      + "그래디언트와 180° 돌린 커널의 합성곱이며, 필터마다 구해 모두 더합니다.",
    spread_text: (p) => `스트라이드만큼 창이 건너뛰었으므로, 들어오는 숫자 사이에 0이 끼어 있습니다(세로 `
      + `${p.zeros[0]}개, 가로 ${p.zeros[1]}개, 빗금).`,
    falls_off: "패딩 자리(위 맵에서 점선 바깥)로 가는 값은 버려집니다.",
    folds_back: "패딩은 이미지의 픽셀을 복사한 것이므로, 그 자리로 가는 값은 원래 픽셀에 더해집니다.",
    groups_text: "이 채널과 같은 그룹의 필터만 이 채널을 썼습니다.",
    border_copies: "패딩에 복사된 자리",
    together: (p) => `${p.name}의 그래디언트`,
    adds_up: (p) => `${p.name}의 값은 두 번 이상 쓰였습니다. 쓰인 곳마다 그래디언트가 하나씩 돌아오고, `
      + "모두 더해집니다.",
    weight_title: (p) => `가중치로: 필터 ${p.k}, 채널 ${p.channel}, ${p.u}행 ${p.v}열`,
    weight_gradients: (p) => `필터 ${p.k}, 채널 ${p.c} 커널의 그래디언트 (눌러서 선택)`,
    weight_text: "가중치는 출력마다 픽셀을 하나씩 만났습니다. 만날 때마다 곱이 하나씩 생기고, 이 곱을 모두 "
      + "더합니다. 가중치의 그래디언트는 입력과 들어오는 그래디언트의 상관입니다.",
    bias_gradient: (p) => `편향은 모든 출력에 더해졌으므로, 편향의 그래디언트는 그 합인 ${p.sum}입니다.`,
    weight_not_stored: "Python이 구한 이 가중치의 그래디언트는 이 페이지에 없습니다. 처음 몇 필터의 것만 "
      + "담았습니다.",
    arriving: "들어오는 그래디언트",
    under_them: "가중치가 만난 입력",
    written_out: (p) => `여기 적은 출력 ${p.count}개`,
    other_outputs: (p) => `다른 출력 ${p.count}개`,
    minus_score: "−점수의 그래디언트",
    step_title: "SGD 한 스텝",
    step_text: (p) => `여기서는 점수에 음수 부호를 붙인 것을 손실로 봅니다. 그래서 이 스텝은 ‘${p.target}’의 `
      + "점수를 높입니다. 교차 엔트로피로 하는 스텝은 마지막 층에서 볼 수 있습니다.",
    old_weight: "가중치",
    new_weight: "새 가중치",
    feature_title: (p) => `입력으로: ${p.feature}번 숫자`,
    feature_sums: (p) => `출력 ${p.count}개가 각각 되돌려 주는 값 (눌러서 선택)`,
    other_scores: (p) => `다른 출력 ${p.count}개`,
    linear_text: "모든 출력이, 이 숫자에 곱했던 가중치를 자신의 그래디언트에 곱해 되돌려 보냅니다.",
    linear_weight_title: (p) => `가중치로: 출력 ${p.k}, 입력 ${p.f}`,
    linear_weight_text: "이 가중치는 한 번만 쓰였습니다. 들어오는 그래디언트와 입력의 곱입니다.",
    affine_title: "지금처럼 추론할 때: 직선",
    training_title: "학습할 때: 세 항",
    mean_gy: "∂y의 평균",
    mean_gy_hat: "∂y·x̂의 평균",
    training_text: (p) => "학습할 때 배치 정규화는 배치에서 평균과 표준편차를 구하므로, 이 둘도 숫자 하나하나에 "
      + "따라 달라집니다. 그래서 그래디언트에서 평균과 x̂ 방향의 성분이 빠집니다. 여기서는 이 그림 한 장을 배치로 "
      + `삼고(이 맵의 숫자 ${p.count}개, 평균 ${p.mu}, σ ${p.sigma}, ε 1e-5) 추론 때 들어온 그래디언트로 `
      + "계산했습니다. 신경망이 실제로 이렇게 계산한 것은 아닙니다.",
    gate_title: "게이트",
    gate_text: (p) => `입력은 ${p.x}였습니다. 이 맵의 숫자 ${p.all}개 가운데 입력이 0보다 큰 ${p.open}개에서 `
      + "게이트가 열려 있습니다.",
    join_title: "양쪽 갈래로",
    join_text: "덧셈의 결과는 어느 갈래가 1만큼 커져도 1만큼 커집니다. 그래서 두 갈래 모두 그래디언트를 그대로 "
      + "받습니다.",
    arm: (p) => `${p.name} 쪽`,
    routing_title: (p) => `출력 ${p.i}행 ${p.j}열의 그래디언트 ${p.gy}가 가는 곳`,
    gets: "받는 값",
    spreading_text: (p) => `평균은 숫자 ${p.area}개에 똑같은 몫을 나누어 줍니다.`,
    ties: (p) => `가장 큰 숫자가 ${p.count}개입니다. 그 가운데 맨 앞의 숫자가 모두 받습니다.`,
    pool_pixel_title: (p) => `입력 ${p.m}행 ${p.n}열이 여러 창에서 받는 값`,
    in_no_window: "어느 창에도 없음",
    copy_backward: "그래디언트의 숫자를 그대로 넘겨줍니다.",
    class: "클래스",
    score: "점수",
    loss_title: "역전파의 출발점: 소프트맥스와 교차 엔트로피",
    loss_text: (p) => "소프트맥스는 점수 z를 확률 p로 바꿉니다. y는 정답 클래스에서 1, 나머지에서 0입니다. 정답이 "
      + `‘${p.target}’이면 손실은 −log p = ${p.loss}이고, 점수에 대한 손실의 그래디언트는 p − y입니다.`,
    loss_note: (p) => "학습할 때는 p − y에서 역전파를 시작합니다. 이 페이지의 다른 그래디언트는 "
      + `‘${p.target}’에 1, 나머지에 0을 놓고 시작한 것으로, 그 점수가 무엇에 따라 변하는지를 말해 줍니다.`,
    other_classes: (p) => `그 밖의 클래스 ${p.count}개`,
    last_step_title: (p) => `그 손실로 하는 SGD 한 스텝: ‘${p.k}’ 클래스, 입력 ${p.f}`,
    input_number: (p) => `입력 ${p.f}`,
    loss_gradient: "손실의 그래디언트",
    loss_before: "손실",
    loss_after: "스텝 뒤의 손실",
    last_step_text: "스텝 뒤의 손실은 이 층의 가중치와 편향만 바꾸었을 때의 정확한 값입니다.",
    columns_lead_backward: "역전파에서는 같은 행렬을 두 번 더 곱합니다. 한 번은 입력의 그래디언트를, 한 번은 "
      + "가중치의 그래디언트를 구할 때입니다.",
    gcols_matrix: "열 행렬의 그래디언트",
    gweights_matrix: "가중치의 그래디언트",
    arriving_matrix: "들어오는 그래디언트",
    col2im_title: "입력으로: 행렬 곱, 그리고 col2im",
    col2im_text: "전치한 가중치(weightsᵀ)에 들어오는 그래디언트를 곱하면 각 창의 그래디언트가 열 하나로 나옵니다. "
      + "col2im은 열을 저마다 창이 있던 자리에 되돌려 놓고, 창이 겹치는 곳에서는 더합니다. 테두리를 두른 숫자들이 "
      + "선택한 입력 픽셀에서 만납니다.",
    col2im_cells: (p) => `채널 ${p.channel}, ${p.m}행 ${p.n}열에서 만나는 숫자`,
    col2im_cell: (p) => `${p.row}행 (커널 ${p.u}행 ${p.v}열), ${p.column}열 (출력 ${p.i}행 ${p.j}열): `
      + `${p.product}`,
    col2im_sum: (p) => `${p.count}개의 합`,
    columns_weight_title: "가중치로: 들어오는 그래디언트 × 열 행렬ᵀ",
    columns_weight_text: "들어오는 그래디언트의 k번째 행과 열 행렬의 한 행을 숫자끼리 곱해 모두 더합니다.",
    columns_weight_sum: (p) => `들어오는 그래디언트의 ${p.k}번 행과 열 행렬의 ${p.row}번 행(채널 ${p.c}, 커널 `
      + `${p.u}행 ${p.v}열)의 곱 ${p.columns}개를 더한 값: ${p.sum}`,
    kinds: {
      input: "입력 그림", conv: "합성곱", affine: "배치 정규화", relu: "ReLU", add: "덧셈",
      maxpool: "최대 풀링", avgpool: "평균 풀링", adaptive: "평균 풀링",
      flatten: "펼치기", linear: "완전 연결", identity: "그대로", other: "기타",
    },
  },
};

let language = "en";

// A sentence in the current language; another one where the network is changed, see alive_text.js.
function t(key, values) {
  const texts = TEXTS[language];
  const text = (network?.edited && texts[`${key}_edited`]) || texts[key];
  return typeof text === "function" ? text(values) : text;
}

// Fills every element that names its sentence in data-text.
function fillTexts() {
  document.documentElement.lang = language;
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-text]")) {
    node.replaceChildren(...unbroken(t(node.dataset.text)));
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t(node.dataset.label));
  }
}
