// The sentences about the kinds of layers in kinds.js; the others are in text.js.

Object.assign(TEXTS.en, {
  operation: (p) => `other: ${p.operation}`,
  why_given: "The network was given this number as it is.",
  why_curve: "A fixed function of this one number.",
  why_curve_backward: "The gradient times the slope of the function at this number.",
  why_binary: "Two numbers at the same place; where one layer is smaller, its number is used again.",
  why_binary_backward: "The gradient, times what the other number makes of a change in this one.",
  why_repeated: (p) => `This number was used ${p.count} times: what comes back adds up.`,
  why_move_backward: (p) => (p.count === 0 ? "Nothing reads this number: its gradient is 0."
    : p.count === 1 ? "The gradient goes the way of the number, back."
    : `This number was used ${p.count} times: the gradients add up.`),
  why_cat: (p) => `Branches are joined: this number is one of ${p.layer}, unchanged.`,
  why_permute: "The same numbers in another order.",
  why_slice: "A part of the numbers, unchanged.",
  why_pad: (p) => (p.layer ? "The same number, with a border put around the map."
    : "This number is part of a border."),
  why_repeat: "The same number, used several times.",
  why_reshape: "The same numbers in another shape.",
  why_flatten: "The maps are written one after the other into one row of features.",
  why_norm: (p) => `Minus the mean of ${p.count} numbers, times one over their deviation, then the `
    + "learned weight and bias.",
  why_norm_backward: "A shift and a stretch of all numbers would change nothing: so the mean of the "
    + "gradients and their part along the normalised numbers are taken out.",
  why_softmax: (p) => `${p.count} numbers become shares of 1; the largest gets most.`,
  why_softmax_backward: "What one share wins the others lose.",
  why_sum: (p) => `The sum of ${p.count} numbers.`,
  why_extreme: (p) => `One of ${p.count} numbers.`,
  why_matmul: "A row of the one times a column of the other, summed up.",
  why_matmul_backward: "Every product that this number was part of sends its gradient back, times "
    + "the other factor.",
  why_transposed: "Each input paints the kernel, times its value, into the output; where the "
    + "pictures overlap they add up. It is a convolution run backward.",
  why_transposed_backward: "Backward a transposed convolution is a convolution.",
  why_conv3d: "A small window of each of several neighbouring slices, times the kernel's slice for it, "
    + "cell by cell, summed over the slices and all channels, plus the bias.",
  slice_of: (p) => `${p.c}, slice ${p.z}`,
  lab_size_columns: "Output columns",
  slice_sums: (p) => `What each of the ${p.count} slices adds; click one`,
  slice_sums_backward: (p) => `What each of the ${p.count} slices brings back; click one`,
  this_slice: (p) => `map ${p.c}`,
  other_slices: (p) => several(p.count, "other slice"),
  why_resize: "A mean of the nearest pixels, weighted by how near they are.",
  why_resize_backward: "Every pixel that was made of this one sends its gradient back, times the "
    + "weight.",
  why_parameter: "Learned or fixed numbers: they do not depend on the picture.",
  not_stored: "This number is not in this page: of large maps only the middle is.",
  why_missing: "The numbers that this is made of are not in this page.",
});
Object.assign(TEXTS.en.kinds, {
  relu6: "ReLU6", clamp: "clamp", hardtanh: "clamp", leakyrelu: "leaky ReLU", prelu: "PReLU",
  elu: "ELU", gelu: "GELU", gelutanh: "GELU", silu: "SiLU", mish: "Mish",
  hardsigmoid: "hard sigmoid", hardswish: "hard swish", softplus: "softplus", sigmoid: "sigmoid",
  tanh: "tanh", exp: "exp", log: "logarithm", sqrt: "square root", rsqrt: "1 / square root",
  expm1: "exp − 1", log1p: "logarithm of 1 + x", tan: "tangent", atan: "arctangent",
  sinh: "sinh", cosh: "cosh", sign: "sign",
  reciprocal: "1 / x", sin: "sine", cos: "cosine", erf: "erf", abs: "absolute value",
  neg: "negative", plus: "addition", minus: "subtraction", times: "multiplication",
  divide: "division", power: "power", maximum: "maximum", minimum: "minimum", cat: "concatenation",
  permute: "other order", slice: "slice", pad: "padding", repeat: "repetition",
  reshape: "other shape", norm: "normalisation", softmax: "softmax", logsoftmax: "log softmax",
  sum: "sum", mean: "mean", largest: "maximum", smallest: "minimum", matmul: "matrix product",
  conv3d: "3-D convolution", transposed3d: "3-D transposed convolution",
  maxpool3d: "3-D max-pooling", avgpool3d: "3-D mean-pooling",
  transposed: "transposed convolution", resize: "resizing", parameter: "parameter",
});
Object.assign(TEXTS.ko, {
  operation: (p) => `기타: ${p.operation}`,
  why_given: "신경망에 이 숫자를 그대로 넣었습니다.",
  why_curve: "이 숫자 하나에만 적용하는 정해진 함수입니다.",
  why_curve_backward: "그래디언트에 이 값에서의 함수의 기울기를 곱합니다.",
  why_binary: "같은 자리에 있는 두 숫자를 계산합니다. 한쪽 층이 작으면 그 숫자를 되풀이해 씁니다.",
  why_binary_backward: "이 숫자가 변할 때 결과가 변하는 비율을 그래디언트에 곱합니다.",
  why_repeated: (p) => `이 숫자는 ${p.count}번 쓰였으므로, 되돌아오는 값을 모두 더합니다.`,
  why_move_backward: (p) => (p.count === 0 ? "아무 데서도 쓰지 않는 숫자이므로 그래디언트가 0입니다."
    : p.count === 1 ? "그래디언트는 숫자가 간 길을 그대로 되돌아옵니다."
    : `이 숫자는 ${p.count}번 쓰였으므로 그래디언트를 모두 더합니다.`),
  why_cat: (p) => `갈라진 가지를 이어 붙입니다. 이 숫자는 ${p.layer}에서 그대로 왔습니다.`,
  why_permute: "같은 숫자를 다른 순서로 놓습니다.",
  why_slice: "숫자의 일부를 그대로 잘라 냅니다.",
  why_pad: (p) => (p.layer ? "같은 숫자이며, 맵 둘레에 테두리를 둘렀습니다."
    : "테두리에 속한 숫자입니다."),
  why_repeat: "같은 숫자를 여러 번 씁니다.",
  why_reshape: "같은 숫자를 다른 모양으로 놓습니다.",
  why_flatten: "맵을 차례로 이어 특징을 한 줄로 늘어놓습니다.",
  why_norm: (p) => `숫자 ${p.count}개의 평균을 빼고 표준편차로 나눈 뒤, 학습된 가중치를 곱하고 편향을 `
    + "더합니다.",
  why_norm_backward: "모든 숫자를 함께 옮기거나 늘려도 결과는 같습니다. 그래서 그래디언트의 평균과, "
    + "정규화된 값과 나란한 성분을 뺍니다.",
  why_softmax: (p) => `숫자 ${p.count}개를 합이 1인 몫으로 바꿉니다. 가장 큰 값이 가장 큰 몫을 얻습니다.`,
  why_softmax_backward: "한 몫이 커지면 다른 몫은 작아집니다.",
  why_sum: (p) => `숫자 ${p.count}개의 합입니다.`,
  why_extreme: (p) => `숫자 ${p.count}개 가운데 하나입니다.`,
  why_matmul: "한쪽의 행과 다른 쪽의 열을 곱해 더합니다.",
  why_matmul_backward: "이 숫자가 들어간 모든 곱이, 상대 숫자를 곱한 그래디언트를 되돌려 보냅니다.",
  why_transposed: "입력 하나하나가 자신의 값을 곱한 커널을 출력에 그리고, 겹치는 곳은 더합니다. 합성곱을 "
    + "거꾸로 한 연산입니다.",
  why_transposed_backward: "전치 합성곱의 역전파는 합성곱입니다.",
  why_conv3d: "이웃한 여러 단면의 작은 창과 커널의 같은 단면을 칸마다 곱하고, 모든 단면과 채널에 걸쳐 더한 뒤 "
    + "편향을 더합니다.",
  slice_of: (p) => `${p.c}, 단면 ${p.z}`,
  lab_size_columns: "출력의 열 수",
  slice_sums: (p) => `단면 ${p.count}개가 각각 보태는 값 (눌러서 선택)`,
  slice_sums_backward: (p) => `단면 ${p.count}개가 각각 되돌려 주는 값 (눌러서 선택)`,
  this_slice: (p) => `맵 ${p.c}`,
  other_slices: (p) => `다른 단면 ${p.count}개`,
  why_resize: "가까운 픽셀들을 거리에 따라 가중해 평균합니다.",
  why_resize_backward: "이 픽셀로 만든 모든 픽셀이 가중치를 곱한 그래디언트를 되돌려 보냅니다.",
  why_parameter: "학습했거나 고정된 숫자입니다. 그림에 따라 달라지지 않습니다.",
  not_stored: "이 숫자는 이 페이지에 들어 있지 않습니다. 큰 맵은 가운데만 담았습니다.",
  why_missing: "이 값을 이루는 숫자가 이 페이지에 들어 있지 않습니다.",
});
Object.assign(TEXTS.ko.kinds, {
  relu6: "ReLU6", clamp: "범위 제한", hardtanh: "범위 제한", leakyrelu: "Leaky ReLU",
  prelu: "PReLU", elu: "ELU", gelu: "GELU", gelutanh: "GELU", silu: "SiLU", mish: "Mish",
  hardsigmoid: "Hard sigmoid", hardswish: "Hard swish", softplus: "Softplus", sigmoid: "시그모이드",
  tanh: "tanh", exp: "지수 함수", log: "로그", sqrt: "제곱근", rsqrt: "1 / 제곱근",
  expm1: "지수 함수 − 1", log1p: "1 + x의 로그", tan: "탄젠트", atan: "아크탄젠트",
  sinh: "sinh", cosh: "cosh", sign: "부호",
  reciprocal: "역수", sin: "사인", cos: "코사인", erf: "erf", abs: "절댓값", neg: "부호 바꾸기",
  plus: "덧셈", minus: "뺄셈", times: "곱셈", divide: "나눗셈", power: "거듭제곱",
  maximum: "최댓값", minimum: "최솟값", cat: "이어 붙이기", permute: "순서 바꾸기",
  slice: "잘라 내기", pad: "패딩", repeat: "되풀이", reshape: "모양 바꾸기", norm: "정규화",
  softmax: "소프트맥스", logsoftmax: "로그 소프트맥스", sum: "합", mean: "평균",
  largest: "최댓값", smallest: "최솟값", matmul: "행렬 곱", transposed: "전치 합성곱",
  conv3d: "3차원 합성곱", transposed3d: "3차원 전치 합성곱", maxpool3d: "3차원 최대 풀링",
  avgpool3d: "3차원 평균 풀링",
  resize: "크기 바꾸기", parameter: "매개변수",
});

// What a layer is called; an unknown operation is called by its name.
function kindName(layer) {
  return layer.kind === "other" ? t("operation", layer.options) : t("kinds")[layer.kind];
}

// What a map is called.
function mapName(layer, map) {
  const { slices } = layer.options;
  return slices > 1 ? t("slice_of", { c: Math.floor(map / slices), z: map % slices }) : map;
}

// --------------------------------------------------------------- backward through layers of volumes

// A number of the input that the chosen output of a layer with windows of slices looks at: [c, m, n].
function underSlice(layer, source, { map, i, j }) {
  const { depth, kernel_size, stride, padding } = layer.options;
  const [channel, t0] = [Math.floor(map / depth.output), map % depth.output];
  const slices = layer.kind === "transposed3d" ? [[0, Math.min(t0, depth.input - 1)]]
    : slicesUnder(layer.options, t0);
  const [, middle] = slices[slices.length >> 1] ?? [0, 0];
  const z = Math.min(middle, source.kept - 1);
  const own = Math.min(channel * depth.input + middle, source.kept - 1);
  const within = (place, axis) => Math.max(0, Math.min(source.shape[axis + 1] - 1, place));
  if (layer.kind === "conv3d") return [z, ...middleOfWindow(layer, source, i, j)];
  if (!kernel_size) return [z, within(i, 0), within(j, 1)];
  return [own, within(i * stride[0] - padding[0] + (kernel_size[0] >> 1), 0),
    within(j * stride[1] - padding[1] + (kernel_size[1] >> 1), 1)];
}

// What a convolution of volumes hands to one number: the chosen slice's part written out, and how
// much each slice brings.
function slicesHanded(layer, { channels, sum }) {
  const index = Math.max(0, channels.findIndex(({ channel }) => channel === state.map));
  const own = channels[index];
  const sums = channels.map((each) => each.sum);
  const nodes = [titledBars(t("slice_sums_backward", { count: sums.length }), sums, index,
    makeScale(sums, "gradient"), (term) => update({ map: channels[term].channel }))];
  if (own.cells.length && own.cells.length <= MOST_CELLS) {
    const columns = new Set(own.cells.map((each) => each.j)).size;
    const numbers = (name) => own.cells.map((each) => each[name]);
    nodes.push(productGrids(own.cells, columns,
      { title: t("gradient_window"), valueOf: (each) => each.x,
        scale: makeScale(layer.gradient, "gradient") },
      { title: t("turned_kernel"), valueOf: (each) => each.w,
        scale: makeScale(numbers("w"), "weight") }, makeScale(numbers("product"), "gradient")));
  }
  const others = channels.length - 1;
  return { nodes, equation: [["", own.sum, t("this_slice", { c: mapName(layer, own.channel) })],
    ...(others ? [["+", sum - own.sum, t("other_slices", { count: others })]] : [])] };
}
