"""Pictures read row by row by an LSTM, and by a GRU."""

import torch
import torch.nn as nn

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
sequence_length, input_size, hidden_size, num_layers, num_classes = 12, 12, 16, 2, 5


class RNN(nn.Module):
    def __init__(self, kind):
        super(RNN, self).__init__()
        self.lstm = kind(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        h0 = torch.zeros(num_layers, x.size(0), hidden_size).to(device)
        state = (h0, h0.clone()) if isinstance(self.lstm, nn.LSTM) else h0
        out, _ = self.lstm(x, state)
        return self.fc(out[:, -1, :])


images, labels = torch.rand(16, 1, 12, 12), torch.randint(0, num_classes, (16,))
for kind in (nn.LSTM, nn.GRU):
    model = RNN(kind).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(2):
        for i, batch in enumerate(torch.randperm(16).split(8)):
            x = images[batch].reshape(-1, sequence_length, input_size).to(device)
            loss = criterion(model(x), labels[batch].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"Epoch [{epoch + 1}/2], Step [{i + 1}/2], Loss: {loss.item():.5f}")
